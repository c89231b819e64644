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
from urllib.parse import quote

import aiohttp

from flasher.files import sync_folder
from flasher.fleet.release.names import digest_in
from flasher.fleet.server.flight import (
    LONGEST_FILE,
    LONGEST_METADATA,
    Coming,
    Flight,
    NoRoom,
    NotThere,
)
from flasher.fleet.server.larder import Larder
from flasher.fleet.server.shelf import (
    Away,
    Served,
    Torn,
    Whole,
    is_kept_as,
    is_lasting,
    open_below,
)

_CHUNK = 256 << 10
_TRIES, _PAUSE_SECONDS = 3, 0.5
# All tries to connect end before nodes, which wait for half a minute, give us up.
_PATIENCE = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_MISSING = frozenset({403, 404, 410})
_MOST_FLIGHTS = 64
_PARTS = ".parts"
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
        upstream: address of the repository, without a slash at the end.
        most_bytes: that blobs and targets may take together; those used longest ago go.
        context: whom to trust, with https; None for the system's authorities.
        manners: how often the address is asked.
    """

    def __init__(
        self,
        folder: Path,
        upstream: str,
        most_bytes: int,
        context: ssl.SSLContext | None = None,
        manners: Manners | None = None,
    ) -> None:
        self._folder, self._upstream = folder, upstream.rstrip("/")
        self._context, self._manners = context, manners or Manners()
        self._larder = Larder(folder, most_bytes)
        self._flights: dict[str, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: dict[str, float] = {}
        self._absent: dict[str, float] = {}
        self._away_until = 0.0
        self._session: aiohttp.ClientSession | None = None
        for left in (folder / _PARTS).glob("*"):
            left.unlink()

    async def open(self, name: str) -> Served | None:
        """See `Shelf`."""
        if not is_kept_as(name):
            return None
        if self._is_current(name) and (kept := self._kept(name)):
            return kept
        if self._absent.get(name, 0.0) > monotonic():
            return None
        if self._away_until > monotonic():
            return self._without_source(name)
        try:
            return await self._coming(name, self._flight(name))
        except NotThere:
            return None
        except NoRoom:
            return await self._past_the_disk(name)
        except Away:
            return self._without_source(name)

    async def close(self) -> None:
        """See `Shelf`; what is on its way is given up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

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

    def _flight(self, name: str) -> Flight:
        """The one flight of a file."""
        if name in self._flights:
            return self._flights[name]
        if len(self._flights) >= _MOST_FLIGHTS:
            raise Away
        longest = LONGEST_METADATA if name.startswith("metadata/") else LONGEST_FILE
        part = self._folder / _PARTS / secrets.token_hex(8)
        flight = self._flights[name] = Flight(part, digest_in(name), longest)
        task = asyncio.create_task(self._fly(name, flight))
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

    async def _fly(self, name: str, flight: Flight) -> None:
        """Fetch a file; whoever waits is told how it ended."""
        try:
            await self._fetch(name, flight)
            await asyncio.to_thread(self._keep, name, flight)
            self._larder.stored(name, flight.done)
            self._asked[name] = monotonic()
            flight.end()
        except NotThere as error:
            self._absent = {n: t for n, t in self._absent.items() if t > monotonic()}
            self._absent[name] = monotonic() + self._manners.fresh
            if _ROOT.fullmatch(name):
                (self._folder / name).unlink(missing_ok=True)
            flight.end(error)
        except (Away, TimeoutError, aiohttp.ClientError):
            # Nobody waits for it again and again, for each file of each node.
            self._away_until = monotonic() + self._manners.away
            flight.end(Away())
        except OSError as error:
            is_full = error.errno in _FULL
            flight.end(NoRoom() if is_full else Away())
        except (Torn, ValueError):
            self._asked[name] = monotonic()
            flight.end(Away())
        finally:
            if not flight.is_kept and flight.error is None:
                flight.end(Away())
            del self._flights[name]
            with suppress(OSError):
                flight.part.unlink(missing_ok=True)

    async def _fetch(self, name: str, flight: Flight) -> None:
        """Have all of it, from where it broke off."""
        for left in reversed(range(_TRIES)):
            before = flight.done
            try:
                async with await self._ask(name, flight.done) as answer:
                    if flight.done == 0:
                        flight.begin(answer.content_length)
                    async for piece in answer.content.iter_chunked(_CHUNK):
                        await flight.take(piece)
                    return
            except (TimeoutError, aiohttp.ClientError):
                if not left and flight.done == before:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _ask(self, name: str, offset: int = 0) -> aiohttp.ClientResponse:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context or True, limit=16)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_PATIENCE, auto_decompress=False
            )
        headers = {"Accept-Encoding": "identity", "User-Agent": "flasher"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        url = f"{self._upstream}/{quote(name)}"
        answer = await self._session.get(url, headers=headers, max_redirects=3)
        told = answer.headers.get("Content-Range", "")
        is_right = answer.status == (206 if offset else 200)
        if is_right and (not offset or told.startswith(f"bytes {offset}-")):
            return answer
        answer.close()
        raise NotThere if answer.status in _MISSING else Away

    def _keep(self, name: str, flight: Flight) -> None:
        flight.check()
        if name.startswith("metadata/"):
            _check_metadata(flight.part)
        final = self._folder / name
        final.parent.mkdir(parents=True, exist_ok=True)
        flight.keep(final)
        sync_folder(final.parent)

    async def _past_the_disk(self, name: str) -> Served | None:
        """Handed through, as the disk takes nothing more."""
        try:
            answer = await self._ask(name)
        except NotThere:
            return None
        except (TimeoutError, aiohttp.ClientError):
            raise Away from None
        if answer.content_length is None:
            answer.close()
            raise Away
        return Passing(answer, answer.content_length, digest_in(name) or secrets.token_hex(8))


class Passing:
    """An answer that is handed through; see `Served`."""

    def __init__(self, answer: aiohttp.ClientResponse, size: int, tag: str) -> None:
        self.size, self.tag = size, tag
        self._answer, self._at, self._rest = answer, 0, b""

    async def read(self, offset: int, most: int) -> bytes:
        """Forward only: what comes before an offset is passed over."""
        while self._at + len(self._rest) <= offset:
            self._at += len(self._rest)
            try:
                self._rest = await self._answer.content.readany()
            except (TimeoutError, aiohttp.ClientError):
                raise Torn from None
            if not self._rest:
                raise Torn
        piece = self._rest[offset - self._at :][:most]
        self._rest = self._rest[offset - self._at + len(piece) :]
        self._at = offset + len(piece)
        return piece

    def close(self) -> None:
        """See `Served`."""
        self._answer.close()


def _check_metadata(path: Path) -> None:
    """What every file of metadata has; raises `Torn`. Whether it is genuine the nodes find out."""
    try:
        top = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Torn from None
    if not (isinstance(top, dict) and "signed" in top and "signatures" in top):
        raise Torn
