"""The rescue key with a real SSH server: it enters a node that is nobody's, and no other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.recipe import load_shipped_layer
from tests.integration.autosetup.conftest import DRIVER, Node
from tests.unit.autosetup.sample_payloads import packed

_AGENT = f"{sys.executable} -I -S -B /driver.py /mnt 0"
# What the image brings, then: the agent, and who gets in; the result is a word a line.
_NODE = """
exec 2>/var/log/words
ip link set lo up
chmod 755 /run
useradd --uid 790 --create-home --shell /bin/bash rescue
mkdir -p /run/sshd && ssh-keygen -A >&2
/usr/sbin/sshd -p 2222
knock() {
    ssh -p 2222 -i /root/rescue -o BatchMode=yes -o IdentitiesOnly=yes \\
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \\
        "$1@127.0.0.1" sudo -n id -un </dev/null || echo refused
}
"""


@pytest.fixture
def lost(fresh: Callable[[], Node]) -> Node:
    """A node without a payload, of an image with a rescue key."""
    node = fresh()
    (node.upper / "driver.py").write_text(DRIVER)
    for file in load_shipped_layer("rescue-login", "arm64").files:
        put(node, file.path, file.data, file.mode)
    key = node.upper / "root/rescue"
    key.parent.mkdir(mode=0o700)
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(make, check=True)
    put(node, "/etc/autosetup/rescue.pub", key.with_name("rescue.pub").read_bytes(), 0o644)
    return node


def put(node: Node, path: str, data: bytes, mode: int) -> None:
    place = node.upper / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    place.chmod(mode)


def played(node: Node, script: str) -> list[str]:
    inside = node.inside("sh", "-c", _NODE + script)
    ended = subprocess.run(
        ["unshare", "--net", *inside], capture_output=True, text=True, check=False, timeout=100
    )
    words = Path(node.upper / "var/log/words").read_text()
    assert ended.returncode == 0, ended.stdout + ended.stderr + words
    return ended.stdout.split()


def test_the_key_enters_until_a_payload_is_done(lost: Node) -> None:
    for name, data in packed().items():
        put(lost, f"/root/payload/{name}", data, 0o600)
    script = f"""
    {_AGENT} run >&2; knock rescue; knock root
    mkdir -p /boot/firmware/autosetup && cp -r /root/payload/. /boot/firmware/autosetup
    {_AGENT} run >&2; knock rescue
    """
    assert played(lost, script) == ["root", "refused", "refused"]
    assert lost.status.state == "done"


def test_the_key_enters_a_node_that_refused_its_first_payload(lost: Node) -> None:
    lost.insert({**packed(), "node.toml": b"name =\n"})
    assert played(lost, f"{_AGENT} run >&2 || :; knock rescue") == ["root"]
    assert lost.status.state == "failed"


def test_a_good_node_that_refuses_a_payload_lets_no_rescue_in(lost: Node) -> None:
    lost.insert(packed())
    assert lost.run().returncode == 0
    lost.insert({"manifest.json": b"{}"})
    assert played(lost, f"{_AGENT} run >&2 || :; knock rescue") == ["refused"]
    assert lost.status.state == "failed"


def test_a_node_that_was_set_up_once_lets_no_rescue_in_though_its_record_is_spoiled(
    lost: Node,
) -> None:
    lost.insert(packed())
    assert lost.run().returncode == 0
    record = lost.upper / "var/lib/autosetup"
    (record / "state.json").write_bytes(b"\0")
    shutil.rmtree(record / "generations")
    assert played(lost, f"{_AGENT} run >&2 || :; knock rescue") == ["refused"]
    assert (lost.status.state, lost.status.code) == ("failed", "payload-refused")


def test_the_server_takes_nothing_but_the_key_from_the_rescue(lost: Node) -> None:
    ask = "/usr/sbin/sshd -T -C host=x,addr=192.0.2.1,user"
    script = f"mkdir -p /run/sshd; ssh-keygen -A >&2; {ask}=rescue; echo; {ask}=scan"
    told = [text.splitlines() for text in lost.execute("sh", "-c", script).stdout.split("\n\n")]
    files = "authorizedkeysfile /run/autosetup/rescue/authorized_keys"
    assert {files, "authenticationmethods publickey"} <= set(told[0])
    assert files not in told[1]
