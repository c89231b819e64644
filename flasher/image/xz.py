"""The blocks of an .xz file, which can be unpacked side by side.

After "The .xz File Format" 1.2.1 (sections 2 to 4): a file is one stream or several, each with an
index of its blocks at its end. What `xz -T0` makes has a block for every few MiB.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Bytes from an offset on, exactly so many or fewer at the end.
Read = Callable[[int, int], bytes]

_HEADER, _FOOTER = 12, 12
_FOOTER_MAGIC = b"YZ"
_LONGEST_NUMBER = 9
_LARGEST_INDEX = 64 << 20
_INPUT, _OUTPUT = 1 << 20, 4 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        header: offset of its stream's header in the file.
        offset, length: its bytes in the file, padding included.
        start, size: its bytes once unpacked.
    """

    header: int
    offset: int
    length: int
    start: int
    size: int


def read_blocks(read: Read, size: int) -> tuple[Block, ...]:
    """All blocks of a file of `size` bytes, in order, by the indexes of its streams.

    Raises:
        LZMAError: it is damaged or cut off.
    """
    streams: list[tuple[int, list[tuple[int, int]]]] = []
    end = size
    while end > 0:
        end = _without_padding(read, end)
        if end:
            begin, records = _stream(read, end)
            streams.append((begin, records))
            end = begin
    blocks: list[Block] = []
    start = 0
    for begin, records in reversed(streams):
        offset = begin + _HEADER
        for unpadded, unpacked in records:
            length = _padded(unpadded)
            blocks.append(Block(begin, offset, length, start, unpacked))
            offset, start = offset + length, start + unpacked
    return tuple(blocks)


def unpack_block(read: Read, block: Block) -> Iterator[bytes]:
    """The bytes of one block, checked, in pieces of up to 4 MiB; raises LZMAError."""
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    decompressor.decompress(read(block.header, _HEADER))
    place, end, left = block.offset, block.offset + block.length, block.size
    while left or place < end:
        packed = b""
        if decompressor.needs_input:
            packed = read(place, min(_INPUT, end - place))
            if not packed:
                raise lzma.LZMAError("a block ends too early")
            place += len(packed)
        piece = decompressor.decompress(packed, _OUTPUT)
        left -= len(piece)
        if left < 0:
            raise lzma.LZMAError("a block is longer than its index says")
        if piece:
            yield piece


def _without_padding(read: Read, end: int) -> int:
    while end >= 4 and read(end - 4, 4) == bytes(4):
        end -= 4
    return end


def _stream(read: Read, end: int) -> tuple[int, list[tuple[int, int]]]:
    """Where the stream that ends at `end` begins, and the sizes of its blocks."""
    footer = read(max(end - _FOOTER, 0), _FOOTER)
    if len(footer) < _FOOTER or footer[10:] != _FOOTER_MAGIC:
        raise lzma.LZMAError("a stream has no end")
    total, backward = struct.unpack_from("<II", footer)
    length = (backward + 1) * 4
    begin = end - _FOOTER - length
    if zlib.crc32(footer[4:10]) != total or begin < _HEADER or length > _LARGEST_INDEX:
        raise lzma.LZMAError("a stream's end makes no sense")
    records = _index(read(begin, length))
    begin -= _HEADER + sum(_padded(unpadded) for unpadded, _ in records)
    if begin < 0:
        raise lzma.LZMAError("a stream's blocks are not there")
    return begin, records


def _index(raw: bytes) -> list[tuple[int, int]]:
    """The records of an index: bytes of each block without padding, and once unpacked."""
    if raw[0] or zlib.crc32(raw[:-4]) != int.from_bytes(raw[-4:], "little"):
        raise lzma.LZMAError("a stream's index is damaged")
    count, at = _number(raw, 1)
    records = []
    for _ in range(count):
        unpadded, at = _number(raw, at)
        unpacked, at = _number(raw, at)
        records.append((unpadded, unpacked))
    return records


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for shift in range(_LONGEST_NUMBER):
        byte = raw[at + shift] if at + shift < len(raw) else 0
        value |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return value, at + shift + 1
    raise lzma.LZMAError("a stream's index makes no sense")


def _padded(length: int) -> int:
    return -(-length // 4) * 4
