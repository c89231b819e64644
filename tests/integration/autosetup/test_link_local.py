"""A node on a cable on which nobody gives addresses, with the shipped wired profile and the real
NetworkManager: it has an address for its link, and another one as soon as somebody gives it.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from flasher import paths

# A cable, and what NetworkManager needs: a bus, folders of its own, and a /sys from which it sees
# that no udev tells of devices. It is gone with the process that holds it.
_NODE = """
set -e
mount -t tmpfs none /run
mkdir /run/netns /run/dbus
ip netns add far
ip link add cable0 type veth peer name far0 netns far
ip -n far address add 10.40.0.1/16 dev far0
ip -n far link set far0 up
ip link set lo up
mount -t sysfs -o ro none /sys
mount -t tmpfs none /etc/NetworkManager
mount -t tmpfs none /var/lib/NetworkManager
install -D -m 600 "$1" /etc/NetworkManager/system-connections/wired.nmconnection
dbus-daemon --system --fork --nopidfile
ip -4 monitor address &
echo ready
read -r _
exec NetworkManager --no-daemon --log-domains NONE
"""
_REACHED = "from autosetup.board import *; print(is_reachable(addresses()))"
_SERVER = (
    *("ip", "netns", "exec", "far", "dnsmasq", "--keep-in-foreground", "--conf-file="),
    *("--port=0", "--no-hosts", "--no-resolv", "--interface=far0", "--bind-interfaces"),
    *("--dhcp-range=10.40.9.1,10.40.9.99", "--dhcp-leasefile=/run/leases", "--pid-file="),
)


def wired_profile(recipe: str) -> str:
    """The profile that this recipe's image has."""
    content = tomllib.loads((paths.assets() / "recipes" / recipe).read_text(encoding="utf-8"))
    files = (file for layer in content["layer"] for file in layer.get("file", ()))
    (found,) = (file for file in files if file["path"].endswith("/wired.nmconnection"))
    return "\n".join((*found["lines"], ""))


@dataclass(frozen=True, slots=True)
class Node:
    """A node; its programs' output has the addresses as they come and go."""

    process: subprocess.Popen[str]
    stack: ExitStack

    def start(self) -> None:
        assert self.process.stdin
        print(file=self.process.stdin, flush=True)

    def wait_for(self, address: str) -> str:
        """The line that tells of an address that begins so."""
        assert self.process.stdout
        told = []
        for line in self.process.stdout:
            if f"inet {address}" in line and not line.startswith("Deleted"):
                return line
            told.append(line)
        raise AssertionError("".join(told))

    def argv(self, *argv: str) -> list[str]:
        inside = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return ["nsenter", "--target", inside.strip(), "--net", "--mount", "--pid", "--", *argv]

    def is_reached(self) -> bool:
        """Whether the agent there counts itself as reachable."""
        asked = self.argv(sys.executable, "-c", _REACHED)
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        return done.stdout == "True\n"

    def give_addresses(self) -> None:
        serving = self.stack.enter_context(subprocess.Popen(self.argv(*_SERVER)))
        self.stack.callback(serving.kill)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    (tmp_path / "profile").write_text(wired_profile("base.toml"))
    apart = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [*apart, "sh", "-c", _NODE, "sh", tmp_path / "profile"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        stack.callback(process.kill)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield Node(process, stack)


def test_a_node_to_which_nobody_gives_an_address_has_one_for_its_link(node: Node) -> None:
    node.start()
    node.wait_for("169.254.")
    assert not node.is_reached()
    node.give_addresses()
    assert "/16" in node.wait_for("10.40.9.")
    assert node.is_reached()


def test_images_for_pis_and_pcs_have_the_same_wired_profile() -> None:
    assert wired_profile("base.toml") == wired_profile("pc.toml")
