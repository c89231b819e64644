"""Who may come in: so many connections in all, so many from one address.

When there is no place left, a guest makes room: one that waits, be it that its handshake of TLS is
not done, that it says nothing, or that it asks for nothing more; where all are being answered, one
of an address with more of them than the newcomer's. It goes from the address with most of them, and
there it is the one that has waited longest. Whoever has proven who it is, by a card's key or the
board's token, keeps its place. So strangers may fill the places, and nodes get in all the same.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic

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


@dataclass(slots=True, eq=False)
class _Guest:
    """A connection.

    Attributes:
        patience: ends it unless it asks for something.
        is_known: it has proven who it is.
        is_answered: what it asked for is on its way.
        since: when it came, or its last answer was done.
    """

    transport: asyncio.Transport
    address: str
    patience: asyncio.TimerHandle
    is_known: bool = False
    is_answered: bool = False
    since: float = field(default_factory=monotonic)


_answered: ContextVar[_Guest | None] = ContextVar("answered", default=None)


def recognise() -> None:
    """Whoever is being answered has proven who it is, and keeps its place."""
    if guest := _answered.get():
        guest.is_known = True


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

    @contextmanager
    def answering(self, inside: asyncio.BaseProtocol) -> Iterator[None]:
        """While the block runs, one that was let in is answered."""
        guest = self._inside.get(inside)
        if guest is None:  # it is gone already
            yield
            return
        guest.patience.cancel()
        guest.is_answered = True
        token = _answered.set(guest)
        try:
            yield
        finally:
            _answered.reset(token)
            guest.is_answered, guest.since = False, monotonic()

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
        """Whether one more may come from there; somebody makes room for it if need be."""
        self._forget_gone()
        near = [guest for guest in self._inside.values() if guest.address == address]
        if len(near) >= self._crowd.of_one:
            return _make_room(near, len(near))
        if len(self._inside) < self._crowd.most:
            return True
        return _make_room(self._inside.values(), len(near))

    def _forget_gone(self) -> None:
        for inside, guest in tuple(self._inside.items()):
            if guest.transport.is_closing():
                del self._inside[inside]
                guest.patience.cancel()


def _make_room(guests: Collection[_Guest], near: int) -> bool:
    """Hang up on one of these; whether there was one that could go.

    Args:
        near: how many of the newcomer's address there are.
    """
    strangers = [guest for guest in guests if not guest.is_known]
    waiting = [guest for guest in strangers if not guest.is_answered]
    crowd = Counter(guest.address for guest in waiting or strangers).most_common(1)
    if not crowd:
        return False
    [(address, count)] = crowd
    if not waiting and count <= near + 1:
        return False
    there = [guest for guest in waiting or strangers if guest.address == address]
    min(there, key=lambda guest: guest.since).transport.abort()
    return True


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
