"""ext2, ext3 and ext4 read without mounting them.

After "Data structures and algorithms" in the kernel's documentation of ext4:
<https://docs.kernel.org/filesystems/ext4/>. Standard library only.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flasher.errors import BadInput

# Bytes from an offset on, exactly so many.
Read = Callable[[int, int], bytes]

SUPERBLOCK, _MAGIC, ROOT = 1024, 0xEF53, 2
# Bytes of an inode; and blocks have up to 64 KiB, 1024 << 6.
_SMALLEST_INODE, _LARGEST_SHIFT = 128, 6
_SMALL_DESCRIPTOR = 32

# Features that one must know to read, by their bits: those known here, and what others are called.
_INCOMPATIBLE = {
    0x1: "compression",
    0x4: "needs_recovery",
    0x8: "journal_dev",
    0x10: "meta_bg",
    0x8000: "inline_data",
    0x10000: "encrypt",
}
_KNOWN = 0x2 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x20000
_WIDE = 0x80

_BY_EXTENTS, _ENCRYPTED = 0x80000, 0x800
_EXTENT_MAGIC = 0xF30A
_LONGEST_EXTENT = 1 << 15  # more: allocated, and never written
_DIRECT = 12
_DEEPEST = 5
_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class Inode:
    """One inode's fields.

    Attributes:
        map: extents or block numbers, 60 bytes.
        attribute_block: number of the block with further attributes, 0 for none.
        inner: the rest of the inode, where attributes may lie.
    """

    mode: int
    owner: int
    group: int
    size: int
    modified: int
    flags: int
    map: bytes
    attribute_block: int
    inner: bytes


class Ext4Volume:
    """A file system to read.

    Args:
        read: its bytes, by offset from its beginning.

    Attributes:
        written: when it was last written, seconds since 1970.
        mounts: how often it was mounted since it was made or checked.
        block_size: bytes.

    Raises:
        BadInput: ``not-ext4``, or ``ext4-odd`` where it needs what is not known here,
            or ``ext4-damaged``.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        head = read(SUPERBLOCK, 1024)
        if struct.unpack_from("<H", head, 0x38)[0] != _MAGIC:
            what = "The second partition holds no ext4 file system."
            raise BadInput("not-ext4", what, "Name an image whose second partition is ext4.")
        self.written: int = struct.unpack_from("<I", head, 0x30)[0]
        self.mounts: int = struct.unpack_from("<H", head, 0x34)[0]
        first, shift = struct.unpack_from("<II", head, 0x14)
        self.block_size = 1024 << shift
        self._inodes_a_group: int = struct.unpack_from("<I", head, 0x28)[0]
        revision: int = struct.unpack_from("<I", head, 0x4C)[0]
        self._inode_size = struct.unpack_from("<H", head, 0x58)[0] if revision else _SMALLEST_INODE
        needed: int = struct.unpack_from("<I", head, 0x60)[0]
        _require_known(needed)
        wide = needed & _WIDE
        self._descriptor = struct.unpack_from("<H", head, 0xFE)[0] if wide else _SMALL_DESCRIPTOR
        self._table = (first + 1) * self.block_size
        sizes_fit = self._inode_size >= _SMALLEST_INODE and self._descriptor >= _SMALL_DESCRIPTOR
        if not self._inodes_a_group or shift > _LARGEST_SHIFT or not sizes_fit:
            raise damaged("its superblock makes no sense")

    def find(self, path: str) -> Inode | None:
        """The inode of a path from the root folder on; links are not followed."""
        found = self.inode(ROOT)
        for part in path.split("/"):
            if not stat.S_ISDIR(found.mode):
                return None
            number = dict(self.names(found)).get(part.encode())
            if number is None:
                return None
            found = self.inode(number)
        return found

    def inode(self, number: int) -> Inode:
        """The inode of a number."""
        group, index = divmod(number - 1, self._inodes_a_group)
        descriptor = self._read(self._table + group * self._descriptor, self._descriptor)
        table: int = struct.unpack_from("<I", descriptor, 0x8)[0]
        if self._descriptor > _SMALL_DESCRIPTOR:
            table |= struct.unpack_from("<I", descriptor, 0x28)[0] << 32
        raw = self._read(table * self.block_size + index * self._inode_size, self._inode_size)
        return _parse(raw)

    def pieces(self, inode: Inode) -> Iterator[tuple[int, bytes]]:
        """A file's bytes with their offsets; what lies between was never written."""
        for at, block, count in self.runs(inode):
            offset, end = at * self.block_size, min((at + count) * self.block_size, inode.size)
            place = block * self.block_size
            while offset < end:
                length = min(_PIECE, end - offset)
                yield offset, self._read(place, length)
                offset, place = offset + length, place + length

    def content(self, inode: Inode) -> bytes:
        """A whole file."""
        data = bytearray(inode.size)
        for offset, piece in self.pieces(inode):
            data[offset : offset + len(piece)] = piece
        return bytes(data)

    def names(self, inode: Inode) -> Iterator[tuple[bytes, int]]:
        """Names in a folder and their inodes; its index looks like empty entries and is passed."""
        if inode.flags & _ENCRYPTED:
            raise unreadable("an encrypted folder")
        data, at = self.content(inode), 0
        while at + 8 <= len(data):
            number, length, named = struct.unpack_from("<IHB", data, at)
            if length < 8:
                raise damaged("a folder's entry has no length")
            name = data[at + 8 : at + 8 + named]
            if number and name not in (b".", b".."):
                yield name, number
            at += length

    def runs(self, inode: Inode) -> Iterator[tuple[int, int, int]]:
        """Blocks of a file, in order: (first in the file, first on the disk, how many)."""
        if inode.flags & _BY_EXTENTS:
            yield from self._extents(inode.map, 0)
            return
        numbers = struct.unpack("<15I", inode.map)
        at = 0
        for depth, number in ((0, n) for n in numbers[:_DIRECT]):
            yield from self._mapped(number, depth, at)
            at += 1
        each = self.block_size // 4
        for depth, number in enumerate(numbers[_DIRECT:], 1):
            if at * self.block_size < inode.size:
                yield from self._mapped(number, depth, at)
            at += each**depth

    def _mapped(self, number: int, depth: int, at: int) -> Iterator[tuple[int, int, int]]:
        """What a block of block numbers says, `depth` of them on one another; 0 is a hole."""
        if not number:
            return
        if not depth:
            yield at, number, 1
            return
        each = self.block_size // 4
        below = struct.unpack(f"<{each}I", self._read(number * self.block_size, self.block_size))
        for index, child in enumerate(below):
            yield from self._mapped(child, depth - 1, at + index * each ** (depth - 1))

    def _extents(self, node: bytes, above: int) -> Iterator[tuple[int, int, int]]:
        magic, count, _, depth = struct.unpack_from("<HHHH", node)
        if magic != _EXTENT_MAGIC or above > _DEEPEST:
            raise damaged("a file's map of extents makes no sense")
        for index in range(count):
            entry = node[12 + 12 * index :][:12]
            if depth:
                _, low, high = struct.unpack_from("<IIH", entry)
                block = low | high << 32
                yield from self._extents(
                    self._read(block * self.block_size, self.block_size), above + 1
                )
            else:
                at, length, high, low = struct.unpack("<IHHI", entry)
                if length <= _LONGEST_EXTENT:
                    yield at, low | high << 32, length


def _parse(raw: bytes) -> Inode:
    mode, user, size = struct.unpack_from("<HHI", raw)
    seconds: int = struct.unpack_from("<i", raw, 0x10)[0]
    group, _, _, flags = struct.unpack_from("<HHII", raw, 0x18)
    block, size_high = struct.unpack_from("<II", raw, 0x68)
    block_high, user_high, group_high = struct.unpack_from("<HHH", raw, 0x76)
    extra = struct.unpack_from("<H", raw, 0x80)[0] if len(raw) > 0x80 else 0
    finer: int = struct.unpack_from("<I", raw, 0x88)[0] if extra >= 0x88 - 0x80 + 4 else 0
    seconds += (finer & 3) << 32
    return Inode(
        mode,
        user | user_high << 16,
        group | group_high << 16,
        size | (size_high << 32 if not stat.S_ISLNK(mode) else 0),
        seconds * 10**9 + (finer >> 2),
        flags,
        raw[0x28:0x64],
        block | block_high << 32,
        raw[0x80 + extra :] if extra else b"",
    )


def _require_known(needed: int) -> None:
    if odd := [name for bit, name in _INCOMPATIBLE.items() if needed & bit]:
        raise unreadable(", ".join(odd))
    if needed & ~_KNOWN:
        raise unreadable(f"features {needed & ~_KNOWN:#x}")


def unreadable(what: str) -> BadInput:
    """The error for what is not known here."""
    return BadInput(
        "ext4-odd",
        f"The root file system cannot be read here: it has {what}.",
        "Check a copy of the image with e2fsck, or start from a tarball: rootfs:FILE.",
    )


def damaged(what: str) -> BadInput:
    """The error for a file system that contradicts itself."""
    return BadInput(
        "ext4-damaged", f"The root file system is damaged: {what}.", "Get the image again."
    )
