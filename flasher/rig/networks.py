"""What each node gets of the rig's networks: addresses, names, time, and the wifi that it joins."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface

from autosetup.node_serves import serving
from autosetup.payload import Time, Wifi, Wired
from autosetup.settings import Serves
from flasher.rig.rigmap import Node, RigMap


def wired_of(rig: RigMap, node: Node) -> Wired | None:
    """The fixed addresses; where nothing else is said, names are asked of the central node."""
    wired = rig.wired_of(node)
    if wired is None or wired.dns:
        return wired
    server = server_address(rig)
    return replace(wired, dns=(str(server.ip),)) if server else wired


def time_of(rig: RigMap, node: Node) -> Time:
    """Whom the node asks for the time.

    A central node that serves is the clock of the whole rig, so that all nodes agree whatever the
    site's servers do: only itself asks those.
    """
    time, server = rig.role_of(node).time, server_address(rig)
    if server is None or node == rig.server:
        servers = (*time.ntp, *rig.site.ntp)
    else:
        servers = (*time.ntp, str(server.ip))
    return Time(tuple(dict.fromkeys(servers)), time.serve or node == rig.server)


def serves_of(rig: RigMap, node: Node) -> Serves | None:
    """What a node does for the others, with the names of all that have a fixed address."""
    serves = rig.role_of(node).serves
    return replace(serves, hosts=rig.hosts) if serves else None


def server_address(rig: RigMap) -> IPv4Interface | None:
    """The address of the node that serves the others; None where none does."""
    if rig.server is None:
        return None
    serves = rig.role_of(rig.server).serves or Serves()
    return serving(serves, rig.wired_of(rig.server))


def wifi_of(rig: RigMap, node: Node) -> tuple[Wifi, ...]:
    """The networks that a node may join, the first one first.

    Those that are dealt out go round diagonally: neighbours in a row or column get different ones,
    a node keeps its own when columns or rows are added, and between two networks the numbers of
    nodes of a role differ by at most half as many as there are networks.
    """
    dealt = [wifi for wifi in rig.site.wifi if wifi.ssid in rig.site.dealt]
    own = dealt[(node.column + node.row - 2) % len(dealt)] if dealt else None
    return tuple(wifi for wifi in rig.site.wifi if wifi == own or wifi not in dealt)
