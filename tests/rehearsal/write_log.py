"""Every write to a card, as QEMU's filter `blklogwrites` records it, and what a power cut leaves.

The format is that of Linux's device-mapper target log-writes: drivers/md/dm-log-writes.c and
Documentation/admin-guide/device-mapper/log-writes.rst. QEMU never brings the count of entries in
the first sector up to date in time, and writes that sector late, so a log ends where its file ends.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

SECTOR = 512
_MAGIC, _VERSION = 0x6A736677736872, 1
_SUPER = struct.Struct("<QQQI")  # magic, version, count of entries, bytes of a sector
_ENTRY = struct.Struct("<QQQQ")  # sector, count of sectors, flags, bytes of a mark
_FLUSH, _FUA, _DISCARD = 1, 2, 4

Loss = Literal["kept", "dropped", "reordered", "torn"]
LOSSES: tuple[Loss, ...] = ("kept", "dropped", "reordered", "torn")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, in the order in which the card took them.

    Attributes:
        offset: where on the card, in bytes.
        data: what was written; empty for a flush alone, and for a discard.
        flushes: all that was written before is durable from here on.
        is_durable: so is this itself.
    """

    offset: int
    data: bytes
    flushes: bool = False
    is_durable: bool = False


class LogReader:
    """Reads a log that grows; raises `ValueError` for one of another format."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = SECTOR

    def new(self) -> list[Entry]:
        """The entries that are whole since the last call."""
        with self._path.open("rb") as log:
            size = os.fstat(log.fileno()).st_size
            if size < SECTOR:
                return []
            _check(log.read(_SUPER.size))
            return list(self._read(log, size))

    def _read(self, log: BinaryIO, size: int) -> Iterator[Entry]:
        while self._at + SECTOR <= size:
            log.seek(self._at)
            sector, count, flags, _ = _ENTRY.unpack(log.read(SECTOR)[: _ENTRY.size])
            length = 0 if flags & _DISCARD else count * SECTOR
            end = self._at + SECTOR + length
            if end > size or not (count or flags):
                return
            self._at = end
            data = log.read(length)
            yield Entry(sector * SECTOR, data, bool(flags & _FLUSH), bool(flags & _FUA))


def _check(head: bytes) -> None:
    magic, version, _, size = _SUPER.unpack(head)
    if any(head) and (magic, version, size) != (_MAGIC, _VERSION, SECTOR):
        raise ValueError(f"not a log of writes, or of another version: {head.hex()}")


def left_by_cut(entries: Sequence[Entry], loss: Loss, chance: random.Random) -> list[Entry]:
    """The writes that are on a card whose power is cut behind these requests.

    Whatever was flushed is there. Of the rest all is (``kept``), nothing (``dropped``), each write
    or not (``reordered``), or all up to one of which only some sectors are (``torn``).
    """
    last = max((at for at, entry in enumerate(entries) if entry.flushes), default=0)
    return [*entries[:last], *_survivors(entries[last:], loss, chance)]


def _survivors(entries: Sequence[Entry], loss: Loss, chance: random.Random) -> Iterator[Entry]:
    open_ = [at for at, entry in enumerate(entries) if entry.data and not entry.is_durable]
    torn = chance.choice(open_) if open_ else 0
    for at, entry in enumerate(entries):
        if not entry.data:
            continue
        if entry.is_durable or loss == "kept" or (loss == "torn" and at < torn):
            yield entry
        elif loss == "torn" and at == torn:
            yield from _torn(entry, chance)
        elif loss == "reordered" and chance.random() < 0.5:
            yield entry


def _torn(entry: Entry, chance: random.Random) -> Iterator[Entry]:
    for at in range(0, len(entry.data), SECTOR):
        if chance.random() < 0.5:
            yield Entry(entry.offset + at, entry.data[at : at + SECTOR])


def write_to(card: Path, entries: Iterable[Entry]) -> None:
    """Put writes on a card, which is a file."""
    with card.open("r+b", buffering=0) as handle:
        for entry in entries:
            if entry.data:
                os.pwrite(handle.fileno(), entry.data, entry.offset)
