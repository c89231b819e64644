"""What was heard and what was seen, put together: one line for each Pi, with its node. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from flasher.fleet.discovery.blocks import is_raspberry_pi
from flasher.fleet.discovery.links import Neighbour
from flasher.fleet.discovery.mdns import NODE, WORKSTATION, Announced
from flasher.rig.entry import Entry

# avahi's service of that kind is called ``name [b8:27:eb:01:02:03]``.
_WITH_MAC = re.compile(r"\[((?:[0-9a-f]{2}:){5}[0-9a-f]{2})\]", re.IGNORECASE)
_LOCAL = ".local"


@dataclass(frozen=True, slots=True)
class Card:
    """The card of the ledger by which a device is known, and by what."""

    node: str
    role: str
    position: str
    site: str
    scanner: str
    card_id: str
    known_by: str


@dataclass(frozen=True, slots=True)
class Device:
    """A computer on the local network that is a Raspberry Pi, or says that it is a node.

    Attributes:
        name: in multicast DNS, without ``.local``; empty where it has none.
        addresses: the likeliest to be of use first.
        macs: network addresses of its interfaces.
        is_pi: one of them is of Raspberry Pi's blocks.
        told: what a node says of itself: ``state``, ``generation``, ``code`` …; nobody vouches.
        card: None where the ledger does not know it.
    """

    name: str
    addresses: tuple[str, ...]
    macs: tuple[str, ...]
    is_pi: bool
    told: dict[str, str] = field(default_factory=dict)
    card: Card | None = None


@dataclass(slots=True)
class _Group:
    """What belongs to one computer."""

    macs: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)

    def meets(self, other: _Group) -> bool:
        return bool(
            self.macs & other.macs or self.addresses & other.addresses or self.names & other.names
        )

    def take(self, other: _Group) -> None:
        self.macs |= other.macs
        self.addresses |= other.addresses
        self.names |= other.names
        self.told |= other.told


def devices(
    heard: Iterable[Announced],
    seen: Iterable[Neighbour],
    cards: Sequence[Entry],
    own: Collection[str] = (),
) -> tuple[Device, ...]:
    """The Pis and nodes among all that was heard and seen, those of the ledger first.

    Args:
        cards: the latest of each node.
        own: addresses of this computer, which is none of them.
    """
    groups: list[_Group] = []
    for found in (*map(_of_announced, heard), *map(_of_neighbour, seen)):
        met = [group for group in groups if group.meets(found)]
        for group in met:
            found.take(group)
        groups = [group for group in groups if group not in met] + [found]
    others = (group for group in groups if not group.addresses.intersection(own))
    pis = (_device(group, cards) for group in others)
    found_pis = [pi for pi in pis if pi.is_pi or pi.told or pi.card]
    return tuple(sorted(found_pis, key=_order))


def missing(found: Iterable[Device], cards: Iterable[Entry], site: str = "") -> tuple[Entry, ...]:
    """The cards of nodes that were not found, of rigs of which any node was, or of this site."""
    known = [device.card for device in found if device.card]
    rigs = {(card.site, card.scanner) for card in known}
    there = {(card.site, card.scanner, card.node) for card in known}
    return tuple(
        card
        for card in cards
        if (card.site == site if site else (card.site, card.profile) in rigs)
        and (card.site, card.profile, card.node) not in there
    )


def _of_announced(one: Announced) -> _Group:
    """A service with the host whose it is; avahi sees to it that no two hosts have one name."""
    macs = _WITH_MAC.findall(one.name) if one.kind == WORKSTATION else []
    return _Group(
        {mac.lower() for mac in macs},
        set(one.addresses),
        {one.host} if one.host else set(),
        dict(one.texts) if one.kind == NODE else {},
    )


def _of_neighbour(one: Neighbour) -> _Group:
    return _Group({one.mac}, {one.address})


def _device(group: _Group, cards: Sequence[Entry]) -> Device:
    name = min(group.names, default="").removesuffix(_LOCAL)
    addresses = tuple(sorted(group.addresses, key=_usefulness))
    return Device(
        name=name,
        addresses=addresses,
        macs=tuple(sorted(group.macs)),
        is_pi=any(map(is_raspberry_pi, group.macs)),
        told=group.told,
        card=next(_cards_of(name, group.told.get("node", ""), addresses, cards), None),
    )


def _cards_of(
    name: str, node: str, addresses: Collection[str], cards: Sequence[Entry]
) -> Iterator[Card]:
    """What it says of itself counts more than what it is called, and that more than where it is."""
    for known_by, fits in (
        ("what it says", lambda card: card.node == node),
        ("its name", lambda card: card.node == name and not node),
        ("its address", lambda card: card.address in addresses and not node and not name),
    ):
        for card in filter(fits, cards):
            place = (card.node, card.role, card.position, card.site, card.profile, card.card_id)
            yield Card(*place, known_by)


def _usefulness(address: str) -> tuple[bool, int, int]:
    ip = ipaddress.ip_address(address)
    return ip.is_link_local, ip.version, int(ip)


def _order(device: Device) -> tuple[bool, str, str, tuple[bool, int, int]]:
    first = device.addresses[0] if device.addresses else "::"
    node = device.card.node if device.card else ""
    return device.card is None, node, device.name, _usefulness(first)
