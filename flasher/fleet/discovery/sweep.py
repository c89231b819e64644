"""Makes the kernel ask who has each address of a network: gently, and without any right.

An empty datagram to a port where nobody listens (discard, RFC 863) is enough: before it can go out,
the kernel asks by ARP for the network address, and remembers the answer. IPv6 has far too many
addresses; there, all nodes of a link are asked at once to answer a ping (RFC 4443, 4.1).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress

from flasher.fleet.discovery.links import Link, Neighbour

_DISCARD = 9
# So that no table of the kernel overflows (gc_thresh2 is 512), and no radio drowns.
_AT_ONCE, _PAUSE_SECONDS = 128, 0.5
# The kernel asks thrice, a second apart (arp(7), mcast_solicit).
_LAST_SECONDS = 1.5
_ALL, _ECHO_REQUEST = "ff02::1", 128


async def sweep(
    links: Iterable[Link],
    addresses: tuple[str, ...],
    look: Callable[[], Iterable[Neighbour]],
) -> tuple[set[Neighbour], tuple[str, ...]]:
    """Ask for all of these addresses, and whoever has one of IPv6.

    Args:
        links: whose neighbours are asked by IPv6.
        addresses: IPv4.
        look: at those whom the kernel knows now; it forgets some, where there are many.

    Returns:
        who was known at any time, and what could not be done.
    """
    with_ipv6 = [link for link in links if link.has_ipv6]
    lacks = tuple(filter(None, map(_ask_all, with_ipv6)))
    found = set(look())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(0)
        for start in range(0, len(addresses), _AT_ONCE):
            for address in addresses[start : start + _AT_ONCE]:
                with suppress(OSError):  # such as that nobody answered the last time
                    out.sendto(b"", (address, _DISCARD))
            await asyncio.sleep(_PAUSE_SECONDS)
            found |= set(look())
    tuple(map(_ask_all, with_ipv6))  # again, as one word on a radio is easily lost
    await asyncio.sleep(_LAST_SECONDS)
    return found | set(look()), lacks


def _ask_all(link: Link) -> str:
    """Ask all on a link by IPv6; gives what kept it from being done."""
    why = ""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):  # for everybody (icmp(7)); for root alone
        try:
            with socket.socket(socket.AF_INET6, kind, socket.IPPROTO_ICMPV6) as out:
                scope = socket.if_nametoindex(link.name)
                out.sendto(struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, 0, 1), (_ALL, 0, 0, scope))
        except OSError as error:
            why = why or error.strerror or f"{error}"
        else:
            return ""
    return f"{link.name}: nodes that have IPv6 alone were not asked: {why}."
