"""A central node gives the others on its wired network their addresses and names, by dnsmasq.

Sources: dnsmasq(8); Debian's dnsmasq.service reads ``/etc/dnsmasq.d``.
"""

from __future__ import annotations

from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.node_serves import serving
from autosetup.settings import NodeSettings, Serves
from autosetup.steps.context import Context
from autosetup.system import System

NAME = "serve"
_PATH = "/etc/dnsmasq.d/autosetup.conf"
_UNIT = "dnsmasq.service"
_UNIT_FILE = f"/usr/lib/systemd/system/{_UNIT}"
_LINKED = f"/etc/systemd/system/multi-user.target.wants/{_UNIT}"


def problems(context: Context) -> Iterator[Fault]:
    """A wish that nothing on the image can grant."""
    if context.settings.serves and not context.system.path(_UNIT_FILE).exists():
        what = "The image lacks dnsmasq, which a node that serves others needs."
        yield Fault(NODE, 0, 0, what, "Add the layer central-server to the recipe of the image.")


def check(context: Context) -> bool:
    """Whether dnsmasq is told all and starts with the node; or was told nothing."""
    system, settings = context.system, context.settings
    if not settings.serves:
        return not system.path(_PATH).exists()
    wanted = write_dnsmasq(settings, settings.serves)
    return system.holds(_PATH, wanted, mode=0o644) and system.path(_LINKED).is_symlink()


def apply(context: Context) -> None:
    """Write what it reads and switch it on; or off, before the file that tells it is ours goes."""
    system, settings = context.system, context.settings
    if settings.serves:
        system.write(_PATH, write_dnsmasq(settings, settings.serves))
        system.must(["systemctl", "enable", _UNIT])
        _tell(system, "restart")
    else:
        system.must(["systemctl", "disable", _UNIT])
        _tell(system, "stop")
        system.path(_PATH).unlink()


def write_dnsmasq(settings: NodeSettings, serves: Serves) -> bytes:
    """The bytes of its file: it answers on the node's fixed addresses, and on no other network."""
    own = serving(serves, settings.wired)
    if own is None:
        raise ValueError("a node that serves has an address")
    lines = ["# From the payload, by autosetup.", "bind-dynamic", f"listen-address={own.ip}"]
    lines += _names(settings, serves)
    if serves.leases:
        lines += _leases(settings, serves)
    return "".join(f"{line}\n" for line in lines).encode()


def _names(settings: NodeSettings, serves: Serves) -> Iterator[str]:
    # The node's own /etc/hosts has it at 127.0.1.1, which would lead the others to themselves.
    yield from ("no-hosts", "domain-needed", "bogus-priv")
    if domain := settings.domain:
        yield from (f"domain={domain}", f"local=/{domain}/")
    if serves.dns:
        yield "no-resolv"
    yield from (f"server={server}" for server in serves.dns)
    for name, address in serves.hosts.items():
        full = f"{name}.{settings.domain}," if settings.domain else ""
        yield f"host-record={full}{name},{address}"


def _leases(settings: NodeSettings, serves: Serves) -> Iterator[str]:
    own = serving(serves, settings.wired)
    first, last = serves.leases
    yield f"dhcp-range={first},{last},{own.netmask if own else ''},{serves.lease_hours}h"
    gateway = settings.wired.gateway if settings.wired else ""
    # Nothing behind the option keeps it from being sent: dnsmasq would name itself.
    yield f"dhcp-option=option:router{gateway and f',{gateway}'}"
    if settings.time.serve:
        yield f"dhcp-option=option:ntp-server,{own.ip if own else ''}"
    if not gateway:  # nobody else deals addresses on a network of its own
        yield "dhcp-authoritative"


def _tell(system: System, action: str) -> None:
    """Without waiting: it starts behind the network, which waits for this agent."""
    if system.booted:
        system.run(["systemctl", "--no-block", action, _UNIT])
