"""Two nodes on one cable swap their fixed addresses: the agent's own step and the real
NetworkManager, which looks, as it does by itself since 1.46, whether anybody has an address.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.autosetup.conftest import PROJECT

# What a node is to its agent and to NetworkManager; gone with the process that holds it.
_NODE = """
set -e
for place in /run /etc/NetworkManager /var/lib/NetworkManager /usr/local/sbin; do
    mount -t tmpfs none $place
done
mkdir -p /run/dbus /run/systemd/system
printf '[connection]\\nipv4.dad-timeout=200\\n' >/etc/NetworkManager/NetworkManager.conf
printf '#!/bin/sh\\ntest "$1" = is-active\\n' >/usr/local/sbin/systemctl
chmod +x /usr/local/sbin/systemctl
read -r _
ip link set lo up
mount -t sysfs -o ro none /sys
dbus-daemon --system --fork --nopidfile
ip -4 monitor address &
NetworkManager --no-daemon --log-domains NONE &
until nmcli general status >/dev/null 2>&1; do kill -0 $!; done
echo ready
exec sleep infinity
"""
_AGENT = """
import sys
from pathlib import Path
from autosetup.before import Before
from autosetup.settings import NodeSettings, Secrets, Wired
from autosetup.steps import network
from autosetup.steps.context import Context
from autosetup.system import System

system, settings = System(), NodeSettings(sys.argv[1], "camera", wired=Wired((sys.argv[2],)))
nowhere = Path("/run/nowhere")
context = Context(
    system, settings, Secrets(bytes(32)), {}, 1, nowhere, (), print, print, Before(system, nowhere)
)
network.apply(context)
assert network.check(context)
"""
# Nobody listens there: whoever has the address refuses.
_REACHED = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9))
except ConnectionRefusedError:
    pass
"""


class Node:
    """A computer with one end of the cable."""

    def __init__(self, stack: ExitStack) -> None:
        apart = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")
        self._process = stack.enter_context(
            subprocess.Popen(
                [*apart, "sh", "-c", _NODE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        stack.callback(self._process.kill)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        while not (inside := children.read_text().strip()):
            pass
        self.pid = inside

    def start(self) -> None:
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)
        self._read_until("ready")

    def become(self, name: str, address: str) -> None:
        """Have the agent give this node a name and an address, and wait until it has that one."""
        self._run(_AGENT, name, address)
        self._read_until(f"inet {address}")

    def reaches(self, address: str) -> None:
        self._run(_REACHED, address)

    def _run(self, program: str, *arguments: str) -> None:
        argv = ["nsenter", "--target", self.pid, "--net", "--mount", "--pid", "--"]
        subprocess.run([*argv, sys.executable, "-c", program, *arguments], check=True, cwd=PROJECT)

    def _read_until(self, words: str) -> None:
        assert self._process.stdout
        told = []
        for line in self._process.stdout:
            told.append(line)
            if words in line and not line.startswith("Deleted"):
                return
        raise AssertionError("".join(told))


@pytest.fixture
def cable() -> Iterator[tuple[Node, Node]]:
    with ExitStack() as stack:
        one, other = Node(stack), Node(stack)
        link = f"ip link add cable0 netns {one.pid} type veth peer name cable0 netns {other.pid}"
        subprocess.run(link.split(), check=True)
        one.start()
        other.start()
        yield one, other


def test_nodes_that_swap_their_fixed_addresses_both_get_the_others(
    cable: tuple[Node, Node],
) -> None:
    one, other = cable
    one.become("cam-0101", "10.40.0.1/16")
    other.become("cam-0102", "10.40.0.2/16")
    one.reaches("10.40.0.2")
    one.become("cam-0102", "10.40.0.2/16")  # which the other one still has
    other.become("cam-0101", "10.40.0.1/16")
    one.reaches("10.40.0.1")
    other.reaches("10.40.0.2")
