"""A file on its way here: it is handed on while it comes, but for its last byte.

That one goes out only once the file is what it must be: nobody ever gets a bad file whole.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flasher.files import sync_file
from flasher.fleet.server.shelf import Away, Torn

LONGEST_METADATA, LONGEST_FILE = 32 << 20, 16 << 30
# Room is made for so many bytes at once.
_STEP = 16 << 20


class NoRoom(Exception):
    """The disk takes nothing more."""


class NotThere(Exception):
    """There is no such file."""


@dataclass(slots=True)
class Flight:
    """A file that comes.

    Attributes:
        part: where it lies meanwhile.
        digest: sha256 that it must have; empty where nobody knows.
        longest: more bytes are refused.
        turn: done when it may begin; see `Lanes`.
        make_room: whether the disk takes what is still to come, and its next step; see `Larder`.
        via: marks of the mirrors through which it was asked for first.
        size: of the whole; None while nobody knows.
        done: bytes that are there.
        is_kept: it is whole, and has its own name.
        place: of the source, where it was found.
    """

    part: Path
    digest: str
    longest: int
    turn: asyncio.Future[str]
    make_room: Callable[[int, int], bool]
    via: str = ""
    size: int | None = None
    done: int = 0
    is_kept: bool = False
    place: str = ""
    error: Exception | None = None
    _room: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def begin(self, size: int | None) -> None:
        """Its size is known now, or it is known that nobody tells; raises as `take`."""
        if size is not None and not 0 <= size <= self.longest:
            raise Torn
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self._make_room(size or 0)
        self.size = size
        self.part.touch()
        self._tell()

    async def take(self, piece: bytes) -> None:
        """More of it; raises `Torn` for more than there may be, `OSError` for a full disk."""
        if self.done + len(piece) > (self.longest if self.size is None else self.size):
            raise Torn
        if self.size is not None and self.done + len(piece) > self._room:
            self._make_room(self.size - self.done)
        await asyncio.to_thread(self._write, piece)
        self.done += len(piece)
        self._tell()

    def check(self) -> None:
        """All has come; raises `Torn` where it is not what it must be."""
        is_short = self.size is not None and self.done != self.size
        if is_short or (self.digest and self._hash.hexdigest() != self.digest):
            raise Torn

    def keep(self, final: Path) -> None:
        """Give it its name; it is on disk then."""
        sync_file(self.part)
        self.part.replace(final)

    def end(self, error: Exception | None = None) -> None:
        """It is there, or will not come."""
        self.error, self.is_kept = error, error is None
        self.size = self.done if error is None else self.size
        self._tell()

    async def begun(self) -> None:
        """Wait until its size is known, or it is whole; raises what went wrong."""
        while self.size is None and not self.is_kept:
            await self._next()

    async def kept(self) -> None:
        """Wait until it is whole; raises what went wrong."""
        while not self.is_kept:
            await self._next()

    async def ready(self, offset: int) -> int:
        """Wait until there is something beyond an offset; where it ends."""
        while True:
            assert self.size is not None
            limit = self.size if self.is_kept else min(self.done, self.size - 1)
            if limit > offset:
                return limit
            await self._next()

    def _make_room(self, rest: int) -> None:
        """For what comes next: for what a source only tells of, nothing needs to go."""
        step = min(rest, _STEP)
        if not self.make_room(rest, step):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._room = self.done + step

    def _write(self, piece: bytes) -> None:
        with self.part.open("r+b") as file:
            file.seek(self.done)
            file.write(piece)
        self._hash.update(piece)

    async def _next(self) -> None:
        if self.error:
            raise self.error
        await self._news.wait()

    def _tell(self) -> None:
        told, self._news = self._news, asyncio.Event()
        told.set()


@dataclass(slots=True)
class Coming:
    """A flight as one reader sees it; its descriptor is ours."""

    flight: Flight
    descriptor: int
    size: int
    tag: str

    async def read(self, offset: int, most: int) -> bytes:
        """See `Served`."""
        try:
            limit = await self.flight.ready(offset)
        except (NoRoom, NotThere, OSError):
            raise Away from None
        return os.pread(self.descriptor, min(most, limit - offset), offset)

    def close(self) -> None:
        """See `Served`."""
        os.close(self.descriptor)
