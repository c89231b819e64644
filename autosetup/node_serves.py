"""The part of `node.toml` about what a central node does for the others: addresses and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Interface

from autosetup import forms
from autosetup.settings import Serves, Wired
from autosetup.strict import Table
from autosetup.toml_writer import Value

_MOST_HOURS = 24 * 365
_EXAMPLE = 'Write two: leases = ["192.168.40.100", "192.168.40.199"].'

Complaint = tuple[str, str, str]


def write_serves(serves: Serves | None) -> dict[str, Value]:
    """The table ``serves``, where there is one."""
    if serves is None:
        return {}
    values: dict[str, Value] = {
        "leases": serves.leases,
        "lease_hours": serves.lease_hours,
        "dns": serves.dns,
        "hosts": serves.hosts,
    }
    return {"serves": values}


def read_serves(top: Table, wired: Wired | None) -> Serves | None:
    """The table ``serves`` with the rig's names in it; None where there is none."""
    if not top.has("serves"):
        top.table("serves")
        return None
    table = top.table("serves")
    hosts = _read_hosts(table.table("hosts"))
    return read_service(table, wired, hosts)


def read_service(table: Table, wired: Wired | None, hosts: dict[str, str] | None = None) -> Serves:
    """What a table says of the service itself, as `node.toml` and profiles have it.

    Args:
        table: ``serves``.
        wired: the fixed addresses of the node that serves.
        hosts: fixed addresses of the rig's nodes by name, as far as they are known.
    """
    serves = Serves(
        table.strings("leases", default=()),
        table.integer("lease_hours", default=Serves().lease_hours, low=1, high=_MOST_HOURS),
        table.strings("dns", default=()),
        hosts or {},
    )
    for server in serves.dns:
        if forms.address(server) is None:
            table.fault("dns", f"dns holds {server!r}.", "Type an IP address, such as 9.9.9.9.")
    for key, what, remedy in complaints(serves, wired):
        table.fault(key, what, remedy)
    return serves


def complaints(serves: Serves, wired: Wired | None) -> Iterator[Complaint]:
    """Key, fact and remedy of all that does not fit together."""
    own = interfaces(wired)
    if not own:
        what = "A node that serves others needs an IPv4 address of its own."
        yield "leases", what, 'Add it: addresses = ["192.168.40.1/24"] under wired.'
    elif serves.leases:
        yield from _lease_complaints(serves, own)


def interfaces(wired: Wired | None) -> list[IPv4Interface]:
    """The fixed IPv4 addresses, each with its network; what is no address is left out."""
    found = []
    for text in wired.addresses if wired else ():
        try:
            found.append(IPv4Interface(text))
        except ValueError:
            continue
    return found


def serving(serves: Serves, wired: Wired | None) -> IPv4Interface | None:
    """The address to which the others turn: the one in whose network the leases lie."""
    own = interfaces(wired)
    leases = [forms.address(text) for text in serves.leases]
    homes = [one for one in own if any(each and each in one.network for each in leases)]
    return next(iter(homes or own), None)


def _lease_complaints(serves: Serves, own: Iterable[IPv4Interface]) -> Iterator[Complaint]:
    ends = [forms.address(text) for text in serves.leases]
    match ends:
        case [IPv4Address() as first, IPv4Address() as last] if first <= last:
            pass
        case _:
            listed = ", ".join(serves.leases)
            yield (
                "leases",
                f"leases is {listed!r}.",
                f"They go from a first address to a last one. {_EXAMPLE}",
            )
            return
    home = next((one for one in own if {first, last} <= set(_within(one, first, last))), None)
    if home is None:
        networks = ", ".join(str(one.network) for one in own)
        what = f"leases goes from {first} to {last}, which is not in the node's network."
        yield "leases", what, f"Choose addresses in {networks}."
        return
    taken = {str(home.ip): "the node itself"} | {ip: name for name, ip in serves.hosts.items()}
    for address, owner in taken.items():
        found = forms.address(address)
        if isinstance(found, IPv4Address) and first <= found <= last:
            what = f"leases holds {address}, which belongs to {owner}."
            yield "leases", what, "Leave fixed addresses out."


def _within(home: IPv4Interface, *addresses: IPv4Address) -> Iterator[IPv4Address]:
    """Those of the addresses that nodes of a network can have."""
    network = home.network
    ends = (network.network_address, network.broadcast_address)
    yield from (each for each in addresses if each in network and each not in ends)


def _read_hosts(table: Table) -> dict[str, str]:
    hosts = {name: table.string(name) for name in table.names()}
    for name, address in hosts.items():
        if wrong := forms.HOSTNAME.complain(name):
            table.fault(name, f"A host is called {name!r}.", f"It must be {wrong}.")
        if forms.address(address) is None:
            table.fault(name, f"{name} is {address!r}.", "Type its IP address, such as 10.40.1.1.")
    return hosts
