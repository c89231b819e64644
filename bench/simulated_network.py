"""A rig's network of namespaces: nodes on two switches, a server, and a bad link between them.

No root file system of this computer is changed, and nothing is left: all of it goes with the
process that holds it, however that ends. Used by benches and by tests of a rig.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER = "10.77.0.1"
# The kernel kills what is started so when the thread that did it ends, however that is.
LEASH = ("setpriv", "--pdeathsig", "KILL")
_ON_A_SWITCH = 200
# Of the server's link: what may come in one lot, and how long a packet may wait.
_BURST, _LATENCY = "256kb", "400ms"
_HOLDER = """
set -e
mount -t tmpfs none /run
mkdir /run/netns
ip link set lo up
for switch in near far; do ip link add $switch type bridge; ip link set $switch up; done
while read name switch address; do
    if [ $name = link ]; then
        ip link add to-far type veth peer name to-near
        ip link set to-far master near up
        ip link set to-near master far up
        continue
    fi
    ip netns add $name
    ip link add v-$name type veth peer name eth0 netns $name
    ip link set v-$name master $switch up
    printf 'address add %s/16 dev eth0\nlink set eth0 up\nlink set lo up\n' $address |
        ip -n $name -batch -
done
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class BadLink:
    """A link that loses, delays and reorders frames; see `bench/bad_link.py`.

    Attributes:
        loss: of 1, in each direction.
        delay_ms: from the first to the second number, drawn for each frame: later ones overtake.
        seed: of what is drawn.
    """

    loss: float = 0.02
    delay_ms: tuple[int, int] = (2, 20)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Network:
    """The namespaces that a process holds: ``server``, and ``n0``, ``n1``, … for the nodes."""

    holder: int

    def argv(self, place: str, *argv: str) -> list[str]:
        """What runs a program at a place; in this computer's own file system."""
        path = f"/proc/{self.holder}/root/run/netns/{place}"
        return [_nsenter(), f"--net={path}", *argv]

    def of_switches(self, *argv: str) -> list[str]:
        """What runs a program where the switches are."""
        return [_nsenter(), f"--net=/proc/{self.holder}/ns/net", *argv]

    def set_cable(self, place: str, *, up: bool) -> None:
        """Pull the cable of a place, or plug it in again."""
        word = "up" if up else "down"
        subprocess.run(self.of_switches("ip", "link", "set", f"v-{place}", word), check=True)


def address_of(number: int) -> str:
    """Of a node."""
    return f"10.77.{1 + number // _ON_A_SWITCH}.{1 + number % _ON_A_SWITCH}"


def place_of(number: int) -> str:
    """Name of a node's namespace."""
    return f"n{number}"


@contextmanager
def network_of(
    nodes: int, far: Sequence[int] = (), *, rate: str = "", link: BadLink | None = None
) -> Iterator[Network]:
    """Make the namespaces, and let go of them.

    Args:
        nodes: how many; each has 10.77.0.0/16 on ``eth0``, the server 10.77.0.1.
        far: numbers of those that sit behind the bad link.
        rate: what the server may send, as tc(8) has it: ``100mbit``; empty for no limit.
        link: between the two switches; a good cable where none is given.
    """
    argv = [*LEASH, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    with subprocess.Popen(
        [*argv, "sh", "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as outside:
        try:
            assert outside.stdin is not None
            assert outside.stdout is not None
            outside.stdin.write("\n".join(_lines(nodes, frozenset(far), bad=bool(link))) + "\n")
            outside.stdin.close()
            assert outside.stdout.readline() == "ready\n"
            children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text()
            network = Network(int(children.split()[0]))
            if rate:
                _limit(network, rate)
            with _linked(network, link):
                yield network
        finally:
            outside.kill()


def _lines(nodes: int, far: frozenset[int], *, bad: bool) -> Iterator[str]:
    """What is there: name, switch and address of each place; and a good cable between switches."""
    if not bad:
        yield "link"
    yield f"server near {SERVER}"
    for number in range(nodes):
        yield f"{place_of(number)} {'far' if number in far else 'near'} {address_of(number)}"


def _limit(network: Network, rate: str) -> None:
    words = ["tc", "qdisc", "add", "dev", "eth0", "root", "tbf"]
    words += ["rate", rate, "burst", _BURST, "latency", _LATENCY]
    subprocess.run(network.argv("server", *words), check=True)


@contextmanager
def _linked(network: Network, link: BadLink | None) -> Iterator[None]:
    if link is None:
        yield
        return
    slow, late = link.delay_ms
    script = Path(__file__).with_name("bad_link.py")
    words = [sys.executable, "-I", str(script), "near", "far", str(link.loss), str(slow), str(late)]
    argv = [*LEASH, *network.of_switches(*words, str(link.seed))]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as pump:
        try:
            assert pump.stdout is not None
            assert pump.stdout.readline() == "ready\n"
            yield
        finally:
            pump.kill()


def _nsenter() -> str:
    return shutil.which("nsenter") or "nsenter"
