"""Addresses that only some networks know, and how a name never comes to mean one of them."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import aiohttp

# What carries an address of IPv4 in its last bits: compatible, mapped, and by NAT64.
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "64:ff9b::/96")))


def is_inner(host: str) -> bool:
    """Whether this is an address, and of some networks only. Names are looked up where needed."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    inside = _carried(address) if isinstance(address, ipaddress.IPv6Address) else address
    return not inside.is_global or inside.is_multicast


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Where what is sent there comes out."""
    if any(address in each for each in _CARRIERS):
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.sixtofour or address


class Outside(aiohttp.ThreadedResolver):
    """Knows addresses of the whole internet alone."""

    async def resolve(self, host: str, *args: Any, **options: Any) -> list[Any]:
        """See `aiohttp.abc.AbstractResolver`."""
        return _outside(await super().resolve(host, *args, **options))


class OnceOutside(aiohttp.ThreadedResolver):
    """What was of the whole internet once never becomes a device next door.

    Names in ``.local`` may: who is here tells them, and some networks give addresses of both kinds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    async def resolve(self, host: str, *args: Any, **options: Any) -> list[Any]:
        """See `aiohttp.abc.AbstractResolver`."""
        found = await super().resolve(host, *args, **options)
        is_told_here = host.rstrip(".").lower().endswith(".local")
        if not (is_told_here or any(is_inner(each["host"]) for each in found)):
            self._seen.add(host)
        return _outside(found) if host in self._seen else found


def _outside(found: list[Any]) -> list[Any]:
    outside = [each for each in found if not is_inner(each["host"])]
    if not outside:
        raise OSError(socket.EAI_NONAME, "no address of the whole internet")
    return outside
