"""Who may come in: so many connections in all, so many from one address, and none that is silent.

Whoever has not asked for anything yet, be it that the handshake of TLS is not done, makes room when
there is none, those of the address with most of them first: nobody holds a place by saying nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

MOST = 2048


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many may be inside, and how long they may be silent.

    Attributes:
        most: connections in all.
        of_one: from one address.
        ask_seconds: until the first request has come, TLS included.
        idle_seconds: between two requests.
    """

    most: int = MOST
    of_one: int = 256
    ask_seconds: float = 20.0
    idle_seconds: float = 75.0


@dataclass(slots=True)
class _Guest:
    """A connection; `patience` ends it unless it asks for something."""

    transport: asyncio.Transport
    address: str
    patience: asyncio.TimerHandle
    has_asked: bool = False


class Door:
    """Makes the protocol that stands at a connection until it is known whether there is room.

    Args:
        make: makes what speaks with those that are let in.
        context: for TLS.
        crowd: how many may come in.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        self._make, self._context, self._crowd = make, context, crowd or Crowd()
        self._inside: dict[asyncio.BaseProtocol, _Guest] = {}
        self._coming: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.BaseProtocol:
        """For a connection that was accepted."""
        return _Visitor(self)

    def heard(self, inside: asyncio.BaseProtocol) -> None:
        """Who was let in has asked for something."""
        if guest := self._inside.get(inside):
            guest.has_asked = True
            guest.patience.cancel()

    def close(self) -> None:
        """Nobody is let in any more."""
        for task in self._coming:
            task.cancel()
        for guest in self._inside.values():
            guest.patience.cancel()

    def come(self, visitor: _Visitor, transport: asyncio.Transport) -> None:
        """Let a visitor in, or hang up."""
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else ""
        if not self._has_room(address):
            transport.abort()
            return
        inside, loop = self._make(), asyncio.get_running_loop()
        patience = loop.call_later(self._crowd.ask_seconds, transport.abort)
        self._inside[inside] = _Guest(transport, address, patience)
        if self._context is None:
            transport.set_protocol(inside)
            inside.connection_made(transport)
            return
        transport.pause_reading()  # until somebody is there who reads it
        task = loop.create_task(self._secure(visitor, transport, inside, self._context))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _secure(
        self,
        visitor: _Visitor,
        transport: asyncio.Transport,
        inside: asyncio.BaseProtocol,
        context: ssl.SSLContext,
    ) -> None:
        loop, seconds = asyncio.get_running_loop(), self._crowd.ask_seconds
        try:
            secured = await loop.start_tls(
                transport, visitor, context, server_side=True, ssl_handshake_timeout=seconds
            )
        except OSError:  # it speaks no TLS, knows no such authority, or is gone
            transport.abort()
            return
        if secured is None or secured.is_closing():
            return
        secured.set_protocol(inside)
        inside.connection_made(secured)
        if visitor.early and isinstance(inside, asyncio.Protocol):
            inside.data_received(bytes(visitor.early))

    def _has_room(self, address: str) -> bool:
        """Whether one more may come from there; who is silent makes room."""
        for key, guest in tuple(self._inside.items()):
            if guest.transport.is_closing():
                self._leave(key)
        of_one = sum(guest.address == address for guest in self._inside.values())
        if of_one >= self._crowd.of_one:
            return self._displace(address)
        if len(self._inside) < self._crowd.most:
            return True
        silent = Counter(g.address for g in self._inside.values() if not g.has_asked)
        return bool(silent) and self._displace(silent.most_common(1)[0][0])

    def _displace(self, address: str) -> bool:
        """Hang up on the one of this address that has been silent for longest, if any is."""
        for key, guest in self._inside.items():
            if guest.address == address and not guest.has_asked:
                guest.transport.abort()
                self._leave(key)
                return True
        return False

    def _leave(self, key: asyncio.BaseProtocol) -> None:
        self._inside.pop(key).patience.cancel()


class _Visitor(asyncio.Protocol):
    """A connection at the door.

    Attributes:
        early: what it said before it was let in.
    """

    def __init__(self, door: Door) -> None:
        self._door, self.early = door, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come."""
        assert isinstance(transport, asyncio.Transport)
        self._door.come(self, transport)

    def data_received(self, data: bytes) -> None:
        """It speaks as soon as its handshake is done."""
        self.early += data
