"""A copy of a card to boot, so that the card itself stays as it is.

The copy has no name: it is gone with the process, however that ends. Holes and zeros take no room.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from flasher.card.plan import CardPlan
from flasher.drives.opening import drive_blocks
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, check_cancelled, step
from flasher.image.blocks import SECTOR, Blocks, FileBlocks
from flasher.image.bmap import any_set
from flasher.image.mbr import Mbr
from flasher.image.ranges import ByteRange, chunks, overlap, total
from flasher.paths import cache
from flasher.rehearsal.machine import card_size

_CHUNK = 1 << 20
_PLANNED_SIZE = 4 << 30


def open_path(handle: BinaryIO) -> Path:
    """A path by which this process, and a child that inherits it, can open a file again."""
    return Path(f"/proc/self/fd/{handle.fileno()}")


@contextmanager
def scratch_file() -> Iterator[BinaryIO]:
    """A file without a name, in the cache folder."""
    folder = cache() / "rehearsal"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as handle:
        yield handle


def write_whole(file: BinaryIO, data: bytes) -> None:
    """Write all of it: a file without a buffer may take less at once, when its disk is nearly full.

    Raises:
        OSError: the disk is full.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


@contextmanager
def working_copy(card: Path, *, emit: Emit, cancel: CancelFlag) -> Iterator[BinaryIO]:
    """Copy a card up to the end of its last partition; its size becomes one that can be emulated.

    Raises:
        BadInput: the card cannot be opened, or has no partition table.
        FlasherError: ``cannot-read``, or ``disk-full`` in the cache folder.
        Cancelled: the flag was set.
    """
    with drive_blocks(card) as source, scratch_file() as copy:
        copy.truncate(card_size(source.size))
        _fill(copy, source, _ranges(card, _used(source)), card.name, emit, cancel)
        yield copy


@contextmanager
def planned_copy(
    plan: CardPlan, name: str, *, emit: Emit, cancel: CancelFlag
) -> Iterator[BinaryIO]:
    """A card as it would be written, of 4 GiB or as large as it must be; no drive is needed.

    Raises:
        FlasherError: ``disk-full`` in the cache folder.
        Cancelled: the flag was set.
    """
    with scratch_file() as copy:
        copy.truncate(card_size(max(plan.size, _PLANNED_SIZE)))
        _fill(copy, plan, plan.ranges, name, emit, cancel)
        yield copy


@contextmanager
def card_itself(card: Path) -> Iterator[BinaryIO]:
    """A virtual card to boot as it is, so that it remembers.

    Raises:
        BadInput: ``not-a-virtual-card``; ``card-size`` where no SD card has its size.
    """
    if not card.is_file():
        raise BadInput(
            "not-a-virtual-card",
            f"{card} is not a virtual card.",
            "Only a virtual card, which is a regular file, can be booted itself: leave out --keep.",
        )
    size = card.stat().st_size
    if size != card_size(size):
        raise BadInput(
            "card-size",
            f"{card} has {size} bytes; an emulated SD card has a power of two.",
            f"Make the virtual card with {card_size(size)} bytes, or leave out --keep.",
        )
    with card.open("r+b", buffering=0) as handle:
        yield handle


def _used(source: FileBlocks) -> ByteRange:
    head = source.read(0, min(SECTOR, source.size)).ljust(SECTOR, b"\0")
    partitions = Mbr.from_bytes(head).partitions
    end = max((found.offset + found.size for found in partitions), default=SECTOR)
    return ByteRange(0, min(end, source.size))


def _ranges(card: Path, used: ByteRange) -> list[ByteRange]:
    """What may hold more than zeros: of a file what is not a hole, of a drive everything."""
    if not stat.S_ISREG(card.stat().st_mode):
        return [used]
    with card.open("rb", buffering=0) as handle:
        found = (overlap(data, used) for data in _data(handle.fileno(), used.end))
        return [data for data in found if data]


def _data(descriptor: int, end: int) -> Iterator[ByteRange]:
    offset = 0
    while offset < end:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:  # no data from here on
            return
        offset = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield ByteRange(start, offset - start)


def _fill(
    copy: BinaryIO,
    source: Blocks,
    ranges: Iterable[ByteRange],
    name: str,
    emit: Emit,
    cancel: CancelFlag,
) -> None:
    """Copy ranges, which are gone through twice."""
    with step(emit, name, "copy", total(ranges), "bytes") as progress:
        for part in chunks(ranges, _CHUNK):
            check_cancelled(cancel, "The rehearsal")
            _put(copy, part.offset, source.read(part.offset, part.length))
            progress.advance(part.length)


def _put(copy: BinaryIO, offset: int, data: bytes) -> None:
    if not any_set(data):
        return
    try:
        copy.seek(offset)
        write_whole(copy, data)
    except OSError as error:
        raise FlasherError(
            "disk-full",
            f"The copy of the card cannot be written to {cache()}: {error.strerror}.",
            "Make room there, or set FLASHER_CACHE to a folder with room.",
        ) from None
