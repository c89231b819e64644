"""A rig's network of namespaces: a central node, a camera, and an office beside the rig.

It goes with the process that holds it, whatever kills the test.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What `make` unpacks there would, installed, serve on this computer or set its clock.
_UNPACKED = Path(sys.prefix, "unpacked")
_PROJECT = Path(__file__).parents[3]
_HOLDER = """
set -e
mount -t tmpfs none /run
mkdir /run/netns
for name in central camera office; do
    ip netns add $name
    ip -n $name link set lo up
done
ip link add name rig0 netns central type veth peer name rig0 netns camera
ip link add name office0 netns central type veth peer name office0 netns office
ip -n central address add 10.40.0.1/16 dev rig0
ip -n central address add 192.168.7.1/24 dev office0
ip -n camera address add 10.40.1.1/16 dev rig0
ip -n office address add 192.168.7.9/24 dev office0
for name in central camera; do ip -n $name link set rig0 up; done
for name in central office; do ip -n $name link set office0 up; done
echo ready
exec sleep infinity
"""


def unpacked(program: str) -> str:
    """The path of a program that was unpacked for the tests."""
    return str(_UNPACKED / "usr/sbin" / program)


def unpacked_inside(path: str) -> str:
    """Where a node of `conftest` sees one of those files; `path` is below ``usr``."""
    return f"/mnt/{_UNPACKED.relative_to(_PROJECT)}/usr/{path}"


@dataclass(frozen=True, slots=True)
class RigNetwork:
    """The namespaces that a process holds."""

    holder: int

    def argv(self, place: str, *argv: str) -> list[str]:
        """What runs a program in one of the places."""
        network = f"/proc/{self.holder}/root/run/netns/{place}"
        return [shutil.which("nsenter") or "nsenter", f"--net={network}", *argv]

    def run(self, place: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program there, whatever comes of it."""
        return subprocess.run(
            self.argv(place, *argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )

    @contextmanager
    def serving(self, place: str, *argv: str, ready: str) -> Iterator[None]:
        """Have a program run there, from the line of its output that has `ready` in it."""
        with subprocess.Popen(
            self.argv(place, *argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            assert running.stdout is not None
            told = []
            try:
                for line in running.stdout:
                    told.append(line)
                    if ready in line:
                        break
                else:
                    raise AssertionError("".join(told))
                yield
            finally:
                running.kill()


@contextmanager
def rig_network() -> Iterator[RigNetwork]:
    """Make the namespaces, and let go of them."""
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _HOLDER]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as outside:
        try:
            assert outside.stdout is not None
            assert outside.stdout.readline() == "ready\n"
            children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text()
            yield RigNetwork(int(children.split()[0]))
        finally:
            outside.kill()
