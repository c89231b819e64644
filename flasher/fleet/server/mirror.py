"""A repository that lies elsewhere, kept here as far as anybody asked for it.

Each file is fetched once, however many ask. What names its digest is checked by it; all else is
signed, and the nodes check it. When the other place does not answer, what is here is served.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import secrets
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp

from flasher.files import sync_folder
from flasher.fleet.release.names import TIMESTAMP, digest_in
from flasher.fleet.server.flight import (
    LONGEST_FILE,
    LONGEST_METADATA,
    Coming,
    Flight,
    NoRoom,
    NotThere,
)
from flasher.fleet.server.lanes import Lanes
from flasher.fleet.server.larder import RESERVE, Larder
from flasher.fleet.server.shelf import (
    Away,
    Served,
    Torn,
    Whole,
    is_kept_as,
    is_lasting,
    open_below,
)
from flasher.fleet.server.source import Refused, Source, a_mark

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_PARTS = ".parts"
_SILENCE = (TimeoutError, aiohttp.ClientConnectorError)
_ALL = ""
_ROOT = re.compile(r"metadata/[0-9]+\.root\.json")


@dataclass(frozen=True, slots=True)
class Manners:
    """How often a source is asked, in seconds.

    Attributes:
        fresh: what may change, or be missing, is not asked for again before.
        versioned: metadata of a version neither. Nothing but signatures, which are not looked at
            here, speaks for it: a false one that came once must not stand in the way for ever.
        away: a source that does not answer neither.
    """

    fresh: float = 5.0
    versioned: float = 600.0
    away: float = 10.0


class Mirror:
    """A `Shelf` whose files come from an address; made and used in one event loop.

    Args:
        folder: keeps the files; nothing else may lie there.
        upstream: address of the repository, or of the server that has it.
        most_bytes: that blobs and targets may take together; those used longest ago go.
        context: whom to trust, with https; None for the system's authorities.
        manners: how often the address is asked.
        reserve: bytes of the disk that are left to others.
    """

    def __init__(
        self,
        folder: Path,
        upstream: str,
        most_bytes: int,
        context: ssl.SSLContext | None = None,
        manners: Manners | None = None,
        reserve: int = RESERVE,
    ) -> None:
        self._folder, self._manners = folder, manners or Manners()
        self.mark = a_mark()
        self._source = Source(upstream, self.mark, context)
        self._larder = Larder(folder, most_bytes, reserve)
        self._flights: dict[str, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: dict[str, float] = {}
        self._absent: dict[str, float] = {}
        # Until when it is not asked: for one file, or for all.
        self._away: dict[str, float] = {}
        # Few bytes never wait for many.
        self._small_lanes, self._lanes = Lanes(), Lanes()
        for left in (folder / _PARTS).glob("*"):
            left.unlink()

    async def open(self, name: str, asker: str = "", via: str = "") -> Served | None:
        """See `Shelf`."""
        if not is_kept_as(name):
            return None
        if self._is_current(name) and (kept := self._kept(name)):
            return kept
        if self._absent.get(name, 0.0) > monotonic():
            return None
        if self._is_away(name):
            return self._without_source(name)
        try:
            return await self._coming(name, self._flight(name, asker, via))
        except NotThere:
            return None
        except NoRoom:
            return await self._past_the_disk(name, via)
        except Away:
            return self._without_source(name)

    async def close(self) -> None:
        """See `Shelf`; what is on its way is given up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._source.close()

    def _is_away(self, name: str) -> bool:
        now = monotonic()
        return any(self._away.get(each, 0.0) > now for each in (_ALL, name))

    def _is_current(self, name: str) -> bool:
        since = monotonic() - self._asked.get(name, -1e9)
        seconds = self._manners.versioned if is_lasting(name) else self._manners.fresh
        return bool(digest_in(name)) or since < seconds

    def _without_source(self, name: str) -> Served | None:
        """What there is while the source is away."""
        if kept := self._kept(name):
            return kept
        # Nodes ask for the next root each time, and take what is here only once there is none.
        if _ROOT.fullmatch(name):
            return None
        raise Away

    def _kept(self, name: str) -> Whole | None:
        kept = open_below(self._folder, name)
        if kept:
            self._larder.used(name)
        return kept

    def _flight(self, name: str, asker: str, via: str) -> Flight:
        """The one flight of a file; raises `Away` where too much waits for who asks."""
        is_small = _is_small(name)
        lanes = self._small_lanes if is_small else self._lanes
        if flight := self._flights.get(name):
            lanes.join(asker, flight.turn)
            return flight
        turn, part = lanes.turn(asker), self._folder / _PARTS / secrets.token_hex(8)
        longest = LONGEST_METADATA if is_small else LONGEST_FILE
        flight = Flight(part, digest_in(name), longest, turn, self._larder.make_room, via)
        self._flights[name] = flight
        task = asyncio.create_task(self._fly(name, flight, lanes))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight

    async def _coming(self, name: str, flight: Flight) -> Served:
        # What has no digest in its name is small; it is handed out when it is known to be whole.
        await (flight.begun() if flight.digest else flight.kept())
        with suppress(FileNotFoundError):  # then it has its own name already, or will not come
            if not flight.is_kept and flight.size is not None:
                descriptor = os.open(flight.part, os.O_RDONLY | os.O_CLOEXEC)
                return Coming(flight, descriptor, flight.size, flight.digest)
        await flight.kept()
        if kept := self._kept(name):
            return kept
        raise Away

    async def _fly(self, name: str, flight: Flight, lanes: Lanes) -> None:
        """Fetch a file in its turn; whoever waits is told how it ended."""
        try:
            asker = await flight.turn
            try:
                await self._fetch(name, flight)
            finally:
                lanes.leave(asker)
        finally:
            if not flight.is_kept and flight.error is None:
                flight.end(Away())
            del self._flights[name]
            with suppress(OSError):
                flight.part.unlink(missing_ok=True)

    async def _fetch(self, name: str, flight: Flight) -> None:
        if self._is_away(name):
            return
        try:
            await self._source.fetch(name, flight)
            await asyncio.to_thread(self._keep, name, flight)
            self._source.settle(flight.place)
            self._larder.stored(name, flight.done)
            self._asked[name] = monotonic()
            flight.end()
        except NotThere as error:
            _note(self._absent, name, self._manners.fresh)
            if _ROOT.fullmatch(name):
                (self._folder / name).unlink(missing_ok=True)
            flight.end(error)
        except (Refused, aiohttp.ClientError, TimeoutError) as error:
            # Nobody waits for it again and again, for each file of each node; but what only one
            # name of many meets, which may be none of a repository, keeps nobody from the others.
            is_all = isinstance(error, _SILENCE) or name == TIMESTAMP
            _note(self._away, _ALL if is_all else name, self._manners.away)
        except OSError as error:
            if error.errno in _FULL:
                flight.end(NoRoom())
        except (Torn, ValueError):
            self._source.doubt(name, flight.place)
            if (self._folder / name).exists():  # of names that lead to nothing there is no end
                self._asked[name] = monotonic()

    def _keep(self, name: str, flight: Flight) -> None:
        flight.check()
        if name.startswith("metadata/"):
            _check_metadata(flight.part)
        final = self._folder / name
        final.parent.mkdir(parents=True, exist_ok=True)
        flight.keep(final)
        sync_folder(final.parent)

    async def _past_the_disk(self, name: str, via: str) -> Served | None:
        """Handed through, as the disk takes nothing more."""
        try:
            return await self._source.passing(name, via)
        except NotThere:
            return None


def _is_small(name: str) -> bool:
    """Metadata, plans and letters: what a node needs before it asks for anything large."""
    return name.startswith(("metadata/", "targets/")) and name.endswith(".json")


def _note(until: dict[str, float], name: str, seconds: float) -> None:
    """From now on, for so long; what is over is forgotten."""
    now = monotonic()
    for over in [each for each, end in until.items() if end <= now]:
        del until[over]
    until[name] = now + seconds


def _check_metadata(path: Path) -> None:
    """What every file of metadata has; raises `Torn`. Whether it is genuine the nodes find out."""
    try:
        top = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Torn from None
    if not (isinstance(top, dict) and "signed" in top and "signatures" in top):
        raise Torn
