"""Cards in memory, honest ones and others: capacity that lies, caches, dead places."""

from __future__ import annotations

import errno
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flasher.drives.faults import explain
from flasher.image.ranges import ByteRange, overlap

_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a card answers, after the model of f3 (src/libdevs.c, its file device).

    Attributes:
        announced: bytes that the card says it has.
        real: bytes of memory; what lies beyond is not kept. Default: all that is announced.
        module: addresses count modulo this many bytes. Default: they do not wrap.
        block: bytes of a block of the cache.
        cache: blocks that are remembered of what lies beyond the memory.
        cache_kind: ``tagged`` and ``untagged`` have one place for each address, modulo `cache`, and
            do or do not know whose block lies there; ``latest`` holds those written last.
        dead: what lies beyond the memory, and in `holes`, fails instead of reading as zeros.
        holes: where nothing is kept although there is memory.
    """

    announced: int
    real: int | None = None
    module: int | None = None
    block: int = 512
    cache: int = 0
    cache_kind: Literal["tagged", "untagged", "latest"] = "tagged"
    dead: bool = False
    holes: tuple[ByteRange, ...] = ()


class SimulatedCard:
    """A card in memory, empty at first; takes as much memory as is written. A `Target`.

    Args:
        geometry: how it answers.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self._real = geometry.announced if geometry.real is None else geometry.real
        self._module = geometry.module or geometry.announced
        self._pages: dict[int, bytearray] = {}
        self._cache: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    @property
    def path(self) -> Path:
        """A name for messages; there is no such file."""
        return Path("simulated card")

    @property
    def size(self) -> int:
        """Bytes that it announces."""
        return self.geometry.announced

    @property
    def contents(self) -> dict[int, bytes]:
        """What the memory holds, by page of 4 KiB; pages of zeros are left out."""
        return {page: bytes(data) for page, data in self._pages.items() if any(data)}

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put `data` at `offset`."""
        for part, place in self._parts(offset, len(data)):
            piece = bytes(data[part.offset - offset : part.end - offset])
            if place is None:
                self._write_beyond(part.offset, piece)
            else:
                self._write_memory(place, piece)

    def read(self, offset: int, length: int) -> bytes:
        """What the card answers."""
        return b"".join(
            self._read_beyond(part) if place is None else self._read_memory(place, part.length)
            for part, place in self._parts(offset, length)
        )

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """The same into memory."""
        buffer[:] = self.read(offset, len(buffer))

    def flush(self) -> None:
        """There is nothing that waits."""

    def discard(self, where: ByteRange) -> bool:  # noqa: ARG002  (the port's)
        """It cannot forget."""
        return False

    def _parts(self, offset: int, length: int) -> Iterator[tuple[ByteRange, int | None]]:
        """The range in pieces, each with its place in memory; None where it has none."""
        end = offset + length
        while offset < end:
            place = offset % self._module
            until = min(end, offset + self._module - place)
            if place < self._real:
                until = min(until, offset + self._real - place)
            part = ByteRange(offset, until - offset)
            hole = self._hole(ByteRange(place, part.length))
            if hole and hole.offset > place:
                part, hole = ByteRange(offset, hole.offset - place), None
            elif hole:
                part = ByteRange(offset, hole.length)
            yield part, None if hole or place >= self._real else place
            offset = part.end

    def _hole(self, where: ByteRange) -> ByteRange | None:
        """The first piece of it that lies in a hole."""
        found = (overlap(where, hole) for hole in self.geometry.holes)
        return min((both for both in found if both), default=None)

    def _write_memory(self, place: int, data: bytes) -> None:
        for start in range(place - place % _PAGE, place + len(data), _PAGE):
            first, last = max(start, place), min(start + _PAGE, place + len(data))
            page = self._pages.get(start)
            if page is None:
                page = self._pages[start] = bytearray(_PAGE)
            page[first - start : last - start] = data[first - place : last - place]

    def _read_memory(self, place: int, length: int) -> bytes:
        first = place - place % _PAGE
        empty = bytes(_PAGE)
        pages = range(first, place + length, _PAGE)
        data = b"".join(self._pages.get(start, empty) for start in pages)
        return data[place - first : place - first + length]

    def _write_beyond(self, offset: int, data: bytes) -> None:
        self._check_alive("writing")
        if not self.geometry.cache:
            return
        block = self.geometry.block
        for at in range(0, len(data), block):
            number = (offset + at) // block
            self._remember(number, data[at : at + block])

    def _remember(self, number: int, data: bytes) -> None:
        kind, room = self.geometry.cache_kind, self.geometry.cache
        slot = number if kind == "latest" else number % room
        self._cache[slot] = number, data
        if kind == "latest":
            self._cache.move_to_end(slot)
            if len(self._cache) > room:
                self._cache.popitem(last=False)

    def _read_beyond(self, part: ByteRange) -> bytes:
        self._check_alive("reading back")
        if not self.geometry.cache:
            return bytes(part.length)
        block = self.geometry.block
        first, last = part.offset // block, (part.end - 1) // block
        data = b"".join(self._recall(number) for number in range(first, last + 1))
        return data[part.offset - first * block :][: part.length]

    def _recall(self, number: int) -> bytes:
        kind, room = self.geometry.cache_kind, self.geometry.cache
        found = self._cache.get(number if kind == "latest" else number % room)
        if found is None or (found[0] != number and kind == "tagged"):
            return bytes(self.geometry.block)
        return found[1]

    def _check_alive(self, doing: str) -> None:
        if self.geometry.dead:
            raise explain(OSError(errno.EREMOTEIO, "dead"), self.path, doing)
