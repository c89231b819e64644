"""Looks for Raspberry Pis on the networks of this computer: hears, asks, and puts together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from flasher.fleet.discovery.devices import Device, devices
from flasher.fleet.discovery.links import (
    Link,
    Neighbour,
    asked_through,
    links,
    neighbours,
    read,
)
from flasher.fleet.discovery.mdns import listen
from flasher.fleet.discovery.sweep import sweep
from flasher.rig.entry import Entry

USUAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a look came to.

    Attributes:
        devices: those of the ledger first.
        networks: that were asked through, such as ``192.168.1.0/24``.
        lacks: what could not be done, in sentences.
    """

    devices: tuple[Device, ...]
    networks: tuple[str, ...]
    lacks: tuple[str, ...]


def discover(
    cards: Sequence[Entry], seconds: float = USUAL_SECONDS, interfaces: Sequence[str] = ()
) -> Found:
    """Look for so long; networks that are large take longer.

    Args:
        cards: the latest of each node, to tell ours.
        seconds: for which names are listened to.
        interfaces: see `links`.

    Raises:
        BadInput: ``no-such-interface``.
        EnvironmentLacks: ``program-missing``, iproute2 is not installed.
    """
    return asyncio.run(_discover(cards, seconds, links(read("address"), interfaces)))


async def _discover(cards: Sequence[Entry], seconds: float, near: tuple[Link, ...]) -> Found:
    asked = [asked_through(link) for link in near]
    names = {link.name for link in near}

    def known() -> list[Neighbour]:
        return list(neighbours(read("neighbour"), names))

    own = tuple(str(network.ip) for link in near for network in link.networks)
    addresses = tuple(address for hosts, _ in asked for address in hosts)
    (heard, deaf), (seen, blind) = await asyncio.gather(
        listen(own, seconds), sweep(near, addresses, known)
    )
    nowhere = () if near else ("This computer is on no network: no interface is up.",)
    left_out = tuple(line for _, lines in asked for line in lines)
    return Found(
        devices(heard, seen, cards, [address for link in near for address in link.addresses]),
        tuple(dict.fromkeys(str(n.network) for link in near for n in link.networks)),
        nowhere or (*left_out, *deaf, *blind),
    )
