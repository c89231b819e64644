"""The networks at this computer's own interfaces, and who is known on them: iproute2's words.

Pure, but for `read`: what is asked of the kernel needs no right.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from flasher.errors import BadInput, FlasherError
from flasher.process import run

# Of programs that run here, not of cables and radios.
_INNER = ("br-", "cni", "docker", "lxc", "lxdbr", "podman", "veth", "virbr")
# The most that is asked through: a /22.
_SHORTEST_PREFIX = 22
# The kernel knows the address, or did a moment ago (linux/neighbour.h).
_KNOWN = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT"})
_Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Link:
    """An interface with the networks that are attached to it.

    Attributes:
        networks: IPv4, each as this computer's own address with its prefix.
        has_ipv6: whether it has any address of IPv6.
    """

    name: str
    networks: tuple[ipaddress.IPv4Interface, ...]
    has_ipv6: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Somebody on a network of ours, as the kernel knows them; `mac` in lower case."""

    address: str
    mac: str
    interface: str


def read(*words: str) -> list[_Json]:
    """What ``ip -j WORDS`` prints; raises ``program-missing``, ``program-failed``."""
    try:
        return cast("list[_Json]", json.loads(run(["ip", "-j", *words]).text or "[]"))
    except ValueError as error:
        what = f"`ip -j {' '.join(words)}` printed what is no JSON: {error}."
        raise FlasherError("program-failed", what, "Update iproute2.") from error


def links(told: Iterable[_Json], named: Collection[str] = ()) -> tuple[Link, ...]:
    """The interfaces that are up and can have neighbours, in the order of the system.

    Args:
        told: by ``ip -j address``.
        named: only these; without, all but those of containers and virtual machines here.

    Raises:
        BadInput: ``no-such-interface``, one of those named is none, or is down.
    """
    found = [link for one in told if (link := _link(one))]
    if missing := sorted(set(named) - {link.name for link in found}):
        there = ", ".join(link.name for link in found) or "none"
        what = f"{missing[0]} is no network interface that is up."
        raise BadInput("no-such-interface", what, f"Up are: {there}.")
    return tuple(
        link
        for link in found
        if (link.name in named if named else not link.name.startswith(_INNER))
    )


def asked_through(link: Link) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other addresses on a link's networks, and what of larger networks is left out.

    Of those larger than a /22, the 1022 around the own address.
    """
    hosts: dict[str, None] = {}
    left_out = []
    for own in link.networks:
        network = own.network
        if network.prefixlen < _SHORTEST_PREFIX:
            network = ipaddress.IPv4Network((own.ip, _SHORTEST_PREFIX), strict=False)
            left_out.append(f"{link.name}: of {own.network}, {network} alone was asked through.")
        hosts |= {str(host): None for host in network.hosts() if host != own.ip}
    return tuple(hosts), tuple(left_out)


def neighbours(told: Iterable[_Json], on: Collection[str]) -> Iterator[Neighbour]:
    """Who is known on these interfaces, by what ``ip -j neighbour`` told."""
    for one in told:
        mac, interface = str(one.get("lladdr", "")).lower(), str(one.get("dev", ""))
        states = one.get("state")
        known = isinstance(states, list) and not _KNOWN.isdisjoint(states)
        if mac and known and interface in on and (address := _ip(one.get("dst"))):
            yield Neighbour(address, mac, interface)


def _link(one: _Json) -> Link | None:
    flags, infos = one.get("flags"), one.get("addr_info")
    if not isinstance(flags, list) or not isinstance(infos, list):
        return None
    if "UP" not in flags or "LOOPBACK" in flags or "NOARP" in flags:
        return None
    infos = [info for info in infos if isinstance(info, dict) and _ip(info.get("local"))]
    networks = (
        ipaddress.IPv4Interface(f"{info['local']}/{info.get('prefixlen', 32)}")
        for info in infos
        if info.get("family") == "inet"
    )
    return Link(
        str(one.get("ifname")),
        tuple(network for network in networks if network.network.prefixlen < 31),
        any(info.get("family") == "inet6" for info in infos),
        tuple(str(info["local"]) for info in infos),
    )


def _ip(text: object) -> str:
    try:
        return str(ipaddress.ip_address(str(text)))
    except ValueError:
        return ""
