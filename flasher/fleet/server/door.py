"""How many may come in: so many connections in all, and so many from one address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

MOST, MOST_OF_ONE = 2048, 256


class Door(asyncio.Protocol):
    """Stands at a connection until it is known whether there is room for it.

    Args:
        inside: those that were let in, by address.
        make: makes what speaks with those that are let in.
    """

    def __init__(
        self, inside: dict[asyncio.BaseTransport, str], make: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        self._inside, self._make = inside, make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or hang up."""
        assert isinstance(transport, asyncio.Transport)
        for gone in [each for each in self._inside if each.is_closing()]:
            del self._inside[gone]
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else ""
        of_one = Counter(self._inside.values())[address]
        if len(self._inside) >= MOST or of_one >= MOST_OF_ONE:
            transport.abort()
            return
        self._inside[transport] = address
        handler = self._make()
        transport.set_protocol(handler)
        handler.connection_made(transport)


def guarded(make: Callable[[], asyncio.BaseProtocol]) -> Callable[[], Door]:
    """A factory of protocols that lets in no more than there is room for."""
    inside: dict[asyncio.BaseTransport, str] = {}
    return lambda: Door(inside, make)
