"""Which blocks of an ext4 file system are in use, by its own bitmaps, group by group.

In use are also the superblock's copies, the descriptors, the bitmaps, the whole inode tables and
the journal, zeros or not: what a mount, a check or a replay may ever read. Laid out after "Block
Group Descriptors" and "Block and Inode Bitmaps" in the kernel's documentation of ext4:
<https://docs.kernel.org/filesystems/ext4/>.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from flasher.image.blocks import Blocks
from flasher.image.ranges import ByteRange, merge, overlap

_SUPERBLOCK, _SUPERBLOCK_SIZE, _MAGIC = 1024, 1024, 0xEF53
_CLEAN, _HAS_ERRORS = 0x1, 0x2
_RESIZE_INODE, _SPARSE_SUPER2 = 0x10, 0x200  # compatible features
_SPARSE_SUPER = 0x1  # features compatible for reading; the second are gdt_csum, metadata_csum
_SUMMED = 0x10 | 0x400
_WIDE = 0x80
_BLOCKS_UNINIT = 0x2
# Features with which the bitmaps mean what they mean here. Among the incompatible ones left out
# are needs_recovery and meta_bg, among the others bigalloc.
_INCOMPATIBLE = 0x2 | 0x40 | _WIDE | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x38000
_READ_COMPATIBLE = 0x7F | 0x100 | 0x400 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000
_RUNS = re.compile(rb"\xff+|\x00+|[^\x00\xff]")


def looks_like_ext(image: Blocks, place: ByteRange) -> bool:
    """Whether an ext2, ext3 or ext4 lies there."""
    if place.length < _SUPERBLOCK + _SUPERBLOCK_SIZE:
        return False
    raw = image.read(place.offset + _SUPERBLOCK + 0x38, 2)
    return int.from_bytes(raw, "little") == _MAGIC


def ext4_usage(image: Blocks, place: ByteRange) -> Iterator[ByteRange]:
    """The bytes of an image that a file system at `place` uses, in order.

    What is not understood, was not unmounted, or contradicts itself is in use as a whole.
    """
    layout = _Layout.read(image, place)
    metadata = _metadata(layout) if layout else None
    if layout is None or metadata is None:
        yield place
        return
    yield from layout.before()
    for number, group in enumerate(layout.groups):
        here = layout.group_range(number)
        used = [both for each in metadata if (both := overlap(each, here))]
        used += _group_usage(image, layout, number, group)
        yield from merge(used)
    if layout.end < place.end:
        yield ByteRange(layout.end, place.end - layout.end)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's descriptor: block numbers, free blocks, and whether its bitmap was ever written."""

    block_bitmap: int
    inode_bitmap: int
    inode_table: int
    free: int
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the superblock and the descriptors say; offsets in bytes of the image."""

    start: int
    block: int
    blocks: int
    first: int
    blocks_a_group: int
    table_blocks: int
    copies: frozenset[int]
    copy_blocks: int
    groups: tuple[_Group, ...]

    @classmethod
    def read(cls, image: Blocks, place: ByteRange) -> _Layout | None:
        """None where it is not understood."""
        head = image.read(place.offset + _SUPERBLOCK, _SUPERBLOCK_SIZE)
        shape = _shape(head, place.length) if _is_understood(head) else None
        if shape is None:
            return None
        block, blocks, first, each, size = shape
        count = -(-(blocks - first) // each)
        table = -(-count * size // block)
        if (first + 1 + table) * block > place.length:
            return None
        compatible, _, for_reading = _features(head)
        raw = image.read(place.offset + (first + 1) * block, count * size)
        fresh_counts = bool(for_reading & _SUMMED)
        spare: int = struct.unpack_from("<H", head, 0xCE)[0] if compatible & _RESIZE_INODE else 0
        return cls(
            place.offset,
            block,
            blocks,
            first,
            each,
            _inode_blocks(head, block),
            _copies(head, count, compatible, for_reading),
            1 + table + spare,
            tuple(_group(raw[n * size :][:size], fresh_counts) for n in range(count)),
        )

    @property
    def end(self) -> int:
        """Where the file system ends."""
        return self.start + self.blocks * self.block

    def bytes_of(self, first: int, count: int) -> ByteRange:
        """Blocks as bytes."""
        return ByteRange(self.start + first * self.block, count * self.block)

    def before(self) -> Iterator[ByteRange]:
        """What lies before the first group: room for a boot loader."""
        if self.first:
            yield self.bytes_of(0, self.first)

    def group_blocks(self, number: int) -> tuple[int, int]:
        """The first block of a group, and how many it has."""
        first = self.first + number * self.blocks_a_group
        return first, min(self.blocks_a_group, self.blocks - first)

    def group_range(self, number: int) -> ByteRange:
        """A group in bytes."""
        return self.bytes_of(*self.group_blocks(number))


class _Shape(NamedTuple):
    """Sizes that the superblock says: bytes of a block, blocks, and bytes of a descriptor."""

    block: int
    blocks: int
    first: int
    blocks_a_group: int
    descriptor: int


def _features(head: bytes) -> tuple[int, int, int]:
    """Compatible, incompatible, and compatible for reading."""
    return struct.unpack_from("<III", head, 0x5C)


def _is_understood(head: bytes) -> bool:
    """Whether its bitmaps mean what they mean here, and it was unmounted without errors."""
    _, needed, for_reading = _features(head)
    state: int = struct.unpack_from("<H", head, 0x3A)[0]
    odd = needed & ~_INCOMPATIBLE or for_reading & ~_READ_COMPATIBLE
    return not odd and state & (_CLEAN | _HAS_ERRORS) == _CLEAN


def _shape(head: bytes, room: int) -> _Shape | None:
    """None where the sizes make no sense in so many bytes."""
    first, shift, _, each = struct.unpack_from("<IIII", head, 0x14)
    wide = bool(_features(head)[1] & _WIDE)
    low: int = struct.unpack_from("<I", head, 0x4)[0]
    high: int = struct.unpack_from("<I", head, 0x150)[0] if wide else 0
    size: int = struct.unpack_from("<H", head, 0xFE)[0] if wide else 32
    blocks, block = low | high << 32, 1024 << min(shift, 16)
    sane = each and size >= 32 and first < blocks and block <= 1 << 16
    if not sane or blocks * block > room or each > 8 * block:
        return None
    return _Shape(block, blocks, first, each, size)


def _inode_blocks(head: bytes, block: int) -> int:
    """Blocks of each group's table of inodes."""
    inodes: int = struct.unpack_from("<I", head, 0x28)[0]
    revision, size = struct.unpack_from("<I8xH", head, 0x4C)
    return -(-inodes * (size if revision else 128) // block)


def _group(raw: bytes, fresh_counts: bool) -> _Group:
    low = struct.unpack_from("<IIIH", raw)
    flags: int = struct.unpack_from("<H", raw, 0x12)[0]
    high = struct.unpack_from("<IIIH", raw, 0x20) if len(raw) >= 0x40 else (0, 0, 0, 0)
    places = [a | b << 32 for a, b in zip(low[:3], high[:3], strict=True)]
    is_fresh = fresh_counts and bool(flags & _BLOCKS_UNINIT)
    return _Group(places[0], places[1], places[2], low[3] | high[3] << 16, is_fresh)


def _copies(head: bytes, count: int, compatible: int, for_reading: int) -> frozenset[int]:
    """The groups that begin with a copy of superblock and descriptors."""
    if compatible & _SPARSE_SUPER2:
        return frozenset((0, *struct.unpack_from("<II", head, 0x24C)))
    if not for_reading & _SPARSE_SUPER:
        return frozenset(range(count))
    powers = {base**n for base in (3, 5, 7) for n in range(32) if base**n < count}
    return frozenset({0, 1} | powers)


def _metadata(layout: _Layout) -> tuple[ByteRange, ...] | None:
    """Bitmaps and inode tables of all groups, wherever they lie; None where that is nowhere."""
    places = []
    for group in layout.groups:
        parts = (
            (group.block_bitmap, 1),
            (group.inode_bitmap, 1),
            (group.inode_table, layout.table_blocks),
        )
        for first, count in parts:
            if first < layout.first or first + count > layout.blocks:
                return None
            places.append(layout.bytes_of(first, count))
    return merge(places)


def _group_usage(image: Blocks, layout: _Layout, number: int, group: _Group) -> Iterator[ByteRange]:
    """By its bitmap; without one, the copies that it begins with. In doubt all of it."""
    first, count = layout.group_blocks(number)
    if group.is_fresh:
        if number in layout.copies:
            yield layout.bytes_of(first, min(layout.copy_blocks, count))
        return
    raw = image.read(layout.bytes_of(group.block_bitmap, 1).offset, layout.block)
    runs = list(_set_bits(raw, count))
    if sum(length for _, length in runs) != count - group.free:
        yield layout.group_range(number)
        return
    for at, length in runs:
        yield layout.bytes_of(first + at, length)


def _set_bits(raw: bytes, count: int) -> Iterator[tuple[int, int]]:
    """Runs of set bits among the first `count`, the lowest bit of each byte first."""
    for found in _RUNS.finditer(raw[: -(-count // 8)]):
        at, byte = found.start() * 8, raw[found.start()]
        if byte == 0xFF:
            yield at, min(found.end() * 8, count) - at
        elif byte:
            for bit in range(8):
                if byte >> bit & 1 and at + bit < count:
                    yield at + bit, 1
