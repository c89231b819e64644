"""Where others reach this computer, which goes from network to network while it serves.

What is told on the networks, the certificate, and what people were told follow it there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from flasher.events import Emit, Noted
from flasher.fleet.server.announce import Announcement, announced
from flasher.fleet.server.complaints import SUBJECT

# Of a network that is none (RFC 5737): nothing is sent there.
_FAR = ("192.0.2.1", 9)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """How a server is found, wherever it is.

    Attributes:
        here: the addresses at which others reach it when it begins.
        look: those at which they reach it now.
        announcement: what is told on the networks; None tells nothing.
        moved: told other addresses, before they are announced.
        seconds: between two looks.
    """

    here: tuple[str, ...]
    look: Callable[[], tuple[str, ...]]
    announcement: Announcement | None = None
    moved: Callable[[tuple[str, ...]], None] = lambda _: None
    seconds: float = 5.0


@asynccontextmanager
async def followed(whereabouts: Whereabouts, emit: Emit) -> AsyncIterator[None]:
    """Announce the server where it is, for as long as the block runs."""
    begun = asyncio.Event()
    task = asyncio.create_task(_follow(whereabouts, emit, begun))
    try:
        await begun.wait()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(whereabouts: Whereabouts, emit: Emit, begun: asyncio.Event) -> None:
    here = told = whereabouts.here
    trouble = ""
    while True:
        try:
            if here and here != told:
                whereabouts.moved(here)
                told = here
            async with _announced(whereabouts.announcement, here):
                begun.set()
                here = await _elsewhere(whereabouts, here)
        except Exception as error:  # networks come and go in more ways than are known
            begun.set()
            words = f"Nodes do not find this server by themselves: {error}"
            if words != trouble:
                emit(Noted(SUBJECT, words, warning=True))
            trouble = words
            await asyncio.sleep(whereabouts.seconds)
            here = ()  # to be looked for anew


async def _elsewhere(whereabouts: Whereabouts, here: tuple[str, ...]) -> tuple[str, ...]:
    """Wait until the computer has other addresses."""
    while (found := whereabouts.look()) == here:
        await asyncio.sleep(whereabouts.seconds)
    return found


@asynccontextmanager
async def _announced(told: Announcement | None, addresses: Iterable[str]) -> AsyncIterator[None]:
    reached = [address for address in addresses if ":" not in address]
    if told is None or not reached:
        yield
        return
    async with announced(told, reached):
        yield


def own_addresses(chosen: str = "") -> tuple[str, ...]:
    """IPv4 addresses at which others reach this computer; only that which was chosen, if any.

    First comes the one that it calls from when it calls far away: of that network people think.
    """
    if chosen:
        return (chosen,)
    found = {address for addresses in _by_interface() for address in addresses}
    first = _usual()
    return tuple(sorted(found, key=lambda each: (each != first, ipaddress.IPv4Address(each))))


def is_ours(url: str, port: int) -> bool:
    """Whether an address leads to a port of this computer, as far as its networks tell now."""
    with suppress(ValueError, OSError):
        at = urlsplit(url)
        if not at.hostname or (at.port or _PORTS.get(at.scheme)) != port:
            return False
        known = socket.getaddrinfo(at.hostname, port, type=socket.SOCK_STREAM)
        found = {str(sockaddr[0]) for *_, sockaddr in known}
        own = own_addresses()
        return any(each in own or ipaddress.ip_address(each).is_loopback for each in found)
    return False


def _usual() -> str:
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.connect(_FAR)
        return str(caller.getsockname()[0])
    return ""


def _by_interface() -> Iterable[list[str]]:
    states = psutil.net_if_stats()
    for interface, addresses in psutil.net_if_addrs().items():
        if interface in states and states[interface].isup:
            yield [
                each.address
                for each in addresses
                if each.family == socket.AF_INET
                and not ipaddress.ip_address(each.address).is_loopback
            ]
