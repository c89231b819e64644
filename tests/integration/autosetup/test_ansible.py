"""Ansible reaches the nodes by the inventory of the ledger, and knows them by their host keys."""

from __future__ import annotations

import os
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
from tests.unit.rig.sample_entry import ENTRY

NODES = {"central": "10.40.0.1", "camera": "10.40.1.1"}
OUTSIDE = "192.168.7.1"  # of the central node, for who is not in the rig
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
            keys = (public if name == "central" else f'from="{NODES["central"]}" {public}',)
            node = make_ready(make_node(ground / name), name, keys, secrets)
            card = replace(ENTRY, node=name, address=address, user="scan", role="camera")
            line = public_line(secrets.host_key) or ""
            lines.append(replace(card, card_id=f"{len(lines):032x}", host_key=line))
            argv = node.inside("sh", "-c", _SSHD)
            stack.enter_context(network.serving(name, *argv, ready="Server listening"))
        yield network, lines


@pytest.fixture
def agent(key: Path, tmp_path: Path) -> Iterator[Path]:
    """The socket of an agent that has the person's key, for every hop."""
    socket = tmp_path / "agent"
    argv = ["ssh-agent", "-D", "-a", str(socket)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline()
            there = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
            subprocess.run(["ssh-add", "-q", key], env=there, check=True)
            yield socket
        finally:
            running.kill()


def pinged(
    network: RigNetwork, lines: list[Entry], agent: Path, folder: Path, place: str = "central"
) -> dict[str, str]:
    """What Ansible's ping comes to for each node, from a place beside them."""
    write_inventory(folder / "rig.yml", lines)
    own = (f"HOME={folder}", f"ANSIBLE_HOME={folder}", "ANSIBLE_DEPRECATION_WARNINGS=0")
    ssh = ("ANSIBLE_SSH_ARGS=-o ControlMaster=no -o BatchMode=yes", f"SSH_AUTH_SOCK={agent}")
    ping = ("ansible", "all", "-i", f"{folder}/rig.yml", "-m", "ping")
    told = network.run(place, "env", *own, *ssh, *ping, "--one-line").stdout
    found = dict(re.findall(r"^(\w+) \| (\w+)", told, re.MULTILINE))
    assert found, told
    return found


def test_nodes_with_their_cards_host_keys_answer_and_others_are_not_spoken_to(
    cards: tuple[RigNetwork, list[Entry]], agent: Path, tmp_path: Path
) -> None:
    network, lines = cards
    # The central node answers at this address, too, but with its own host key.
    other = {"node": "other", "card_id": "f" * 32, "address": OUTSIDE}
    stranger = replace(lines[0], **other, host_key=public_line(fresh_key()) or "")
    found = pinged(network, [*lines, stranger], agent, tmp_path)
    assert found == {**dict.fromkeys(NODES, "SUCCESS"), "other": "UNREACHABLE"}


def test_nodes_behind_the_central_one_answer_from_outside_the_rig(
    cards: tuple[RigNetwork, list[Entry]], agent: Path, tmp_path: Path
) -> None:
    network, (central, camera) = cards
    folder = tmp_path / "the rig's 100 %d"  # ssh, the shell and Ansible have words for all of these
    (folder / "host_vars").mkdir(parents=True)
    (folder / "host_vars/central.yml").write_text(f"ansible_host: {OUTSIDE}\n")
    alone = pinged(network, [central, camera], agent, folder, "office")
    assert alone == {"central": "SUCCESS", "camera": "UNREACHABLE"}
    through = replace(camera, reached_from="central")
    found = pinged(network, [central, through], agent, folder, "office")
    assert found == dict.fromkeys(NODES, "SUCCESS")
    # The central node's own key counts on the way, too.
    other = replace(central, host_key=public_line(fresh_key()) or "")
    found = pinged(network, [other, through], agent, folder, "office")
    assert found == dict.fromkeys(NODES, "UNREACHABLE")
