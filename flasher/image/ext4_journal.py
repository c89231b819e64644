"""What an ext4 would hold once its journal is replayed, as after a power cut; nothing is written.

After "Journal (jbd2)" in the kernel's documentation of ext4:
<https://docs.kernel.org/filesystems/ext4/journal.html>. Numbers in it are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from flasher.image.ext4 import SUPERBLOCK, Ext4Volume, Read, damaged, unreadable

_NEEDED, _RECOVERY = SUPERBLOCK + 0x60, 0x4
_JOURNAL_INODE = 8
_MAGIC = 0xC03B3998
_DESCRIPTOR, _COMMIT, _REVOKE = 1, 2, 5
_WIDE, _SUM_V2, _SUM_V3 = 0x2, 0x8, 0x10
_KNOWN = 0x1 | _WIDE | 0x4 | _SUM_V2 | _SUM_V3
_ESCAPED, _SAME_UUID, _LAST = 0x1, 0x2, 0x8
_HEAD, _UUID = 12, 16


class _Tag(NamedTuple):
    """Where a block that the journal holds belongs."""

    home: int
    is_escaped: bool


@dataclass(slots=True)
class _Transaction:
    """Blocks by where they belong, as places in the journal; and those that must stay as are."""

    number: int
    blocks: dict[int, tuple[int, bool]] = field(default_factory=dict)
    revoked: set[int] = field(default_factory=set)


def replayed(read: Read) -> Read:
    """The bytes of a file system as a mount would find them.

    Args:
        read: its bytes as they are, by offset from its beginning.

    Raises:
        BadInput: ``not-ext4``, ``ext4-odd``, ``ext4-damaged``.
    """
    needed = struct.unpack("<I", read(_NEEDED, 4))[0]
    if not needed & _RECOVERY:
        return read
    volume = Ext4Volume(_settled(read))
    try:
        blocks = _Journal(volume, read).replay()
    except (struct.error, KeyError):
        raise damaged("its journal makes no sense") from None
    size = volume.block_size
    return _settled(_overlaid(read, {number * size: data for number, data in blocks.items()}, size))


def _settled(read: Read) -> Read:
    """Without the mark that the journal is to be replayed; the journal itself may hold one."""
    needed: int = struct.unpack("<I", read(_NEEDED, 4))[0]
    return _overlaid(read, {_NEEDED: struct.pack("<I", needed & ~_RECOVERY)}, 4)


def _overlaid(base: Read, parts: dict[int, bytes], size: int) -> Read:
    """`base` with parts of `size` bytes, which are aligned to it, in the place of its own."""

    def read(offset: int, length: int) -> bytes:
        data = bytearray(base(offset, length))
        steps = range(offset - offset % size, offset + length, size)
        for at in steps if len(steps) < len(parts) else parts:
            first, end = max(at, offset), min(at + size, offset + length)
            if at in parts and first < end:
                data[first - offset : end - offset] = parts[at][first - at : end - at]
        return bytes(data)

    return read


class _Journal:
    """The journal in its inode."""

    def __init__(self, volume: Ext4Volume, read: Read) -> None:
        self._read, self._size = read, volume.block_size
        self._places = {
            at + n: block + n
            for at, block, count in volume.runs(volume.inode(_JOURNAL_INODE))
            for n in range(count)
        }
        head = self._block(0)
        self._end, self._first, self._sequence, self._start = struct.unpack_from(">4I", head, 0x10)
        self._features: int = struct.unpack_from(">I", head, 0x28)[0]
        if self._features & ~_KNOWN:
            raise unreadable(f"a journal with features {self._features & ~_KNOWN:#x}")

    def replay(self) -> dict[int, bytes]:
        """The last committed content of each block."""
        transactions = list(self._transactions()) if self._start else []
        kept_until = {home: t.number for t in transactions for home in t.revoked}
        found: dict[int, bytes] = {}
        for transaction in transactions:
            for home, (place, is_escaped) in transaction.blocks.items():
                if transaction.number > kept_until.get(home, 0):
                    data = self._block(place)
                    found[home] = struct.pack(">I", _MAGIC) + data[4:] if is_escaped else data
        return found

    def _transactions(self) -> Iterator[_Transaction]:
        """Those that were committed, oldest first."""
        place, current = self._start, _Transaction(self._sequence)
        for _ in range(self._end):
            raw = self._block(place)
            magic, kind, number = struct.unpack_from(">3I", raw)
            if (magic, number) != (_MAGIC, current.number):
                return
            place = self._after(place)
            if kind == _DESCRIPTOR:
                for tag in self._tags(raw):
                    current.blocks[tag.home] = (place, tag.is_escaped)
                    place = self._after(place)
            elif kind == _REVOKE:
                current.revoked |= set(self._revoked(raw))
            elif kind == _COMMIT:
                yield current
                current = _Transaction(number + 1)

    def _tags(self, raw: bytes) -> Iterator[_Tag]:
        at, flags = _HEAD, 0
        while not flags & _LAST:
            high = 0
            if self._features & _SUM_V3:
                low, flags, high = struct.unpack_from(">3I", raw, at)
                at += 16
            else:
                low, _, flags = struct.unpack_from(">IHH", raw, at)
                if self._features & _WIDE:
                    high = struct.unpack_from(">I", raw, at + 8)[0]
                at += 8 + (4 if self._features & _WIDE else 0)
                at += 2 if self._features & _SUM_V2 else 0
            at += 0 if flags & _SAME_UUID else _UUID
            yield _Tag(low | high << 32, bool(flags & _ESCAPED))

    def _revoked(self, raw: bytes) -> Iterator[int]:
        used: int = struct.unpack_from(">I", raw, _HEAD)[0]
        form = ">Q" if self._features & _WIDE else ">I"
        for at in range(_HEAD + 4, used, struct.calcsize(form)):
            yield struct.unpack_from(form, raw, at)[0]

    def _after(self, place: int) -> int:
        return place + 1 if place + 1 < self._end else self._first

    def _block(self, place: int) -> bytes:
        return self._read(self._places[place] * self._size, self._size)
