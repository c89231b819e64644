"""What each node gets of the rig's networks: addresses, names, time, and the wifi that it joins."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface

from autosetup.node_serves import interfaces, serving
from autosetup.payload import Time, Wifi, Wired
from autosetup.settings import Serves
from flasher.rig.rigmap import Node, RigMap


def wired_of(rig: RigMap, node: Node) -> Wired | None:
    """The fixed addresses; where nothing else is said, names are asked of the central node."""
    wired, server = rig.wired_of(node), server_of(rig, node)
    if wired is None or wired.dns or server is None:
        return wired
    return replace(wired, dns=(str(server.ip),))


def time_of(rig: RigMap, node: Node) -> Time:
    """Whom the node asks for the time.

    A central node that serves is the clock of the whole rig, so that all nodes agree whatever the
    site's servers do: only itself asks those.
    """
    time, server = rig.role_of(node).time, server_of(rig, node)
    serves = node == rig.server
    others = (str(server.ip),) if server and not serves else rig.site.ntp
    return Time(tuple(dict.fromkeys((*time.ntp, *others))), time.serve or serves)


def serves_of(rig: RigMap, node: Node) -> Serves | None:
    """What a node does for the others, with the names of all that have a fixed address."""
    serves = rig.role_of(node).serves
    return replace(serves, hosts=rig.hosts) if serves else None


def server_of(rig: RigMap, node: Node) -> IPv4Interface | None:
    """Where the node finds the one that serves the rig; None where none does on its network.

    A node that asks for its address is on that network, and the one that serves finds itself.
    """
    if rig.server is None:
        return None
    serves = rig.role_of(rig.server).serves or Serves()
    server = serving(serves, rig.wired_of(rig.server))
    own = rig.wired_of(node)
    reached = own is None or any(server and server.ip in one.network for one in interfaces(own))
    return server if reached else None


def wifi_of(rig: RigMap, node: Node) -> tuple[Wifi, ...]:
    """The networks that a node may join, the first one first.

    Those that are dealt out go round diagonally: neighbours in a row or column get different ones,
    a node keeps its own when columns or rows are added, and between two networks the numbers of
    nodes of a role differ by at most half as many as there are networks.
    """
    dealt = [wifi for wifi in rig.site.wifi if wifi.ssid in rig.site.dealt]
    own = dealt[(node.column + node.row - 2) % len(dealt)] if dealt else None
    return tuple(wifi for wifi in rig.site.wifi if wifi == own or wifi not in dealt)
