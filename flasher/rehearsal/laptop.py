"""This computer on the network of a rehearsed rig, as the technician's laptop is on a real one.

QEMU's own router without a machine does it (slirp, docs/system/devices/net): what listens here on
127.0.0.1 is there at the laptop's address; and doors lead from 127.0.0.1 to ports of nodes. It
gives no addresses, is in no neighbour's way, and needs no rights. Names and broadcasts of the rig
do not reach this computer.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface

from flasher.errors import FlasherError
from flasher.process import environment, leashed
from flasher.rehearsal.machine import PROGRAM
from flasher.rehearsal.switch import Switch

NAME = "laptop"


@dataclass(frozen=True, slots=True)
class Door:
    """A port of this computer's 127.0.0.1 that leads to one of a node; see `laptop_on`."""

    port: int
    address: str
    node_port: int = 22


@contextmanager
def laptop_on(switch: Switch, address: IPv4Interface, doors: Sequence[Door] = ()) -> Iterator[None]:
    """Have this computer in a rig while the block runs.

    Args:
        switch: of the rig.
        address: the laptop's there; two more at the end of its network must be nobody's.
        doors: to nodes with fixed addresses.

    Raises:
        FlasherError: ``emulator-failed``; a door's port may be taken.
        EnvironmentLacks: QEMU is not installed.
    """
    cable = switch.plug(NAME, mute=True)
    with subprocess.Popen(
        leashed(laptop_argv(cable.fileno(), address, doors)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        pass_fds=[cable.fileno()],
    ) as router:
        cable.close()
        try:
            _wait_for(router)
            yield
        finally:
            router.kill()


def _wait_for(router: subprocess.Popen[bytes]) -> None:
    assert router.stdout is not None
    assert router.stderr is not None
    if router.stdout.readline():
        return
    words = router.stderr.read().decode(errors="replace").strip().splitlines()
    raise FlasherError(
        "emulator-failed",
        f"This computer is not in the rig: {words[-1] if words else 'the router ended'}",
        "Another port for the doors, or QEMU with slirp, may help.",
    )


def laptop_argv(descriptor: int, address: IPv4Interface, doors: Sequence[Door]) -> list[str]:
    """The command line of QEMU that is nothing but a router on a cable."""
    network = address.network
    # It wants a name server and a first lease of its own; nobody asks for them.
    spare = [str(network.broadcast_address - back) for back in (1, 2)]
    user = [
        f"user,id=here,net={network},host={address.ip},dns={spare[0]},dhcpstart={spare[1]}",
        "ipv6=off",
        *(f"hostfwd=tcp:127.0.0.1:{door.port}-{door.address}:{door.node_port}" for door in doors),
    ]
    rig = f"stream,id=rig,server=off,addr.type=fd,addr.str={descriptor}"
    # Its own protocol greets whoever listens once all stands.
    argv = [PROGRAM, "-M", "none", "-nodefaults", "-display", "none", "-qmp", "stdio"]
    argv += ["-netdev", ",".join(user), "-netdev", rig]
    for number, netdev in enumerate(("here", "rig")):
        argv += ["-netdev", f"hubport,id=port{number},hubid=0,netdev={netdev}"]
    return argv
