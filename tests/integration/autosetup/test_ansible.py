"""Ansible reaches the nodes by the inventory of the ledger, and knows them by their host keys."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.host_key import public_line
from autosetup.payload import Secrets
from flasher.exports import write_inventory
from flasher.rig.entry import Entry
from tests.integration.autosetup.conftest import make_node
from tests.integration.autosetup.rig_network import RigNetwork, rig_network, unpacked_inside
from tests.integration.autosetup.test_tiers import HASHES, fresh_key, make_ready
from tests.unit.rig.test_ledger import ENTRY

NODES = {"central": "10.40.0.1", "camera": "10.40.1.1"}
_SSHD = f"""
cp -rn {unpacked_inside("lib/openssh")} /usr/lib/
mkdir -p /run/sshd
exec {unpacked_inside("sbin/sshd")} -D -e -h /etc/ssh/ssh_host_ed25519_key -o UsePAM=no \\
    -o PidFile=none -f {unpacked_inside("share/openssh/sshd_config")}
"""


@pytest.fixture(scope="module")
def key(ground: Path) -> Path:
    """A person's key, whose public half the nodes get."""
    path = ground / "person"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(argv, check=True)
    return path


@pytest.fixture(scope="module")
def cards(ground: Path, key: Path) -> Iterator[tuple[RigNetwork, list[Entry]]]:
    """Two nodes after their first boot, side by side, and the ledger's lines about their cards."""
    public = key.with_name(f"{key.name}.pub").read_text().strip()
    lines = []
    with ExitStack() as stack:
        network = stack.enter_context(rig_network())
        for name, address in NODES.items():
            secrets: Secrets = replace(HASHES, host_key=fresh_key())
            node = make_ready(make_node(ground / name), name, (public,), secrets)
            card = replace(ENTRY, node=name, address=address, user="scan", role="camera")
            line = public_line(secrets.host_key) or ""
            lines.append(replace(card, card_id=f"{len(lines):032x}", host_key=line))
            argv = node.inside("sh", "-c", _SSHD)
            stack.enter_context(network.serving(name, *argv, ready="Server listening"))
        yield network, lines


def pinged(network: RigNetwork, lines: list[Entry], key: Path, folder: Path) -> dict[str, str]:
    """What Ansible's ping comes to for each node, from a place beside them."""
    write_inventory(folder / "rig.yml", lines)
    own = (f"HOME={folder}", f"ANSIBLE_HOME={folder}", "ANSIBLE_DEPRECATION_WARNINGS=0")
    ssh = "ANSIBLE_SSH_ARGS=-o ControlMaster=no -o BatchMode=yes"
    ping = ("ansible", "all", "-i", f"{folder}/rig.yml", "--private-key", f"{key}", "-m", "ping")
    told = network.run("central", "env", *own, ssh, *ping, "--one-line").stdout
    found = dict(re.findall(r"^(\w+) \| (\w+)", told, re.MULTILINE))
    assert found, told
    return found


def test_nodes_with_their_cards_host_keys_answer_and_others_are_not_spoken_to(
    cards: tuple[RigNetwork, list[Entry]], key: Path, tmp_path: Path
) -> None:
    network, lines = cards
    # The central node answers at this address, too, but with its own host key.
    other = {"node": "other", "card_id": "f" * 32, "address": "192.168.7.1"}
    stranger = replace(lines[0], **other, host_key=public_line(fresh_key()) or "")
    found = pinged(network, [*lines, stranger], key, tmp_path)
    assert found == {**dict.fromkeys(NODES, "SUCCESS"), "other": "UNREACHABLE"}
