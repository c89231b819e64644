"""Where the partitions of a GUID partition table lie; the table itself is never edited here.

Layout after the UEFI Specification 2.10, section 5.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from flasher.image.blocks import SECTOR, Blocks
from flasher.image.ranges import ByteRange

_MAGIC = b"EFI PART"
_SMALLEST_ENTRY, _MOST_ENTRIES = 128, 1024


def gpt_partitions(image: Blocks) -> tuple[ByteRange, ...]:
    """The partitions of the first table, in the order of its entries; none where it is odd."""
    if image.size < 2 * SECTOR:
        return ()
    head = image.read(SECTOR, SECTOR)
    first, count, size = struct.unpack_from("<QII", head, 72)
    end = first * SECTOR + count * size
    if not head.startswith(_MAGIC) or not 1 <= count <= _MOST_ENTRIES:
        return ()
    if size < _SMALLEST_ENTRY or end > image.size:
        return ()
    return tuple(_entries(image.read(first * SECTOR, count * size), size))


def _entries(raw: bytes, size: int) -> Iterator[ByteRange]:
    for at in range(0, len(raw), size):
        first, last = struct.unpack_from("<QQ", raw, at + 32)
        if any(raw[at : at + 16]) and last >= first:
            yield ByteRange(first * SECTOR, (last - first + 1) * SECTOR)
