"""Which bytes of an image must be on a card, so that no former life of the card shines through.

A FAT or extended partition as a whole, an ext4 partition as far as its file system uses it, zeros
included; all else by the image's block map, and where there is none as a whole. A block map is
widened by this, never narrowed (docs/adr/0041).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from flasher.errors import BadInput
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.ext4_usage import ext4_usage, looks_like_ext
from flasher.image.gpt import gpt_partitions
from flasher.image.mbr import EXTENDED_TYPES, FAT_TYPES, GPT_PROTECTIVE, Mbr
from flasher.image.ranges import ByteRange, merge, overlap, total

_LONG = 4 << 20


class UsedBytes:
    """The used bytes of an image, in order; found as one goes through them, again and again.

    Args:
        image: reading it may block while it is still being unpacked, and so may each step here.
        mapped: by a block map; None where there is none.
    """

    def __init__(self, image: Blocks, mapped: tuple[ByteRange, ...] | None) -> None:
        self._image, self._mapped = image, mapped
        self._known: tuple[ByteRange, ...] | None = None

    def __iter__(self) -> Iterator[ByteRange]:
        if self._known is not None:
            yield from self._known
            return
        found = []
        for each in merged(self._parts()):
            found.append(each)
            yield each
        self._known = merge(found)

    @property
    def estimate(self) -> int:
        """Bytes: exact once they were all found, before that as many as it may be."""
        if self._known is None and self._mapped is not None:
            return total(self._mapped)
        return self._image.size if self._known is None else total(self._known)

    def _parts(self) -> Iterator[ByteRange]:
        done = 0
        for place, is_whole in _partitions(self._image):
            yield from self._otherwise(done, place.offset)
            if is_whole or _looks_like_fat(self._image, place):
                yield place
            elif looks_like_ext(self._image, place):
                known = self._mapped_in(place)
                yield from heapq.merge(ext4_usage(self._image, place), known)
            else:
                yield from self._otherwise(place.offset, place.end)
            done = place.end
        yield from self._otherwise(done, self._image.size)

    def _otherwise(self, start: int, end: int) -> Iterator[ByteRange]:
        if start < end:
            here = ByteRange(start, end - start)
            yield from [here] if self._mapped is None else self._mapped_in(here)

    def _mapped_in(self, place: ByteRange) -> Iterator[ByteRange]:
        for each in self._mapped or ():
            if both := overlap(each, place):
                yield both


def merged(ranges: Iterable[ByteRange], unit: int = 1) -> Iterator[ByteRange]:
    """Sorted ranges grown to whole units, none overlapping; each as soon as it is known.

    What touches is joined up to a few MiB only: who goes through them must not wait for the end.
    """
    begin = end = 0
    for each in ranges:
        offset = max(each.offset // unit * unit, end)
        if offset > end:
            if end > begin:
                yield ByteRange(begin, end - begin)
            begin = offset
        end = max(end, -(-each.end // unit) * unit)
        if end - begin >= _LONG:
            yield ByteRange(begin, end - begin)
            begin = end
    if end > begin:
        yield ByteRange(begin, end - begin)


def _partitions(image: Blocks) -> list[tuple[ByteRange, bool]]:
    """Partitions by offset, and whether their type asks for all of it; none where they overlap."""
    try:
        table = Mbr.from_bytes(image.read(0, min(SECTOR, image.size)).ljust(SECTOR, b"\0"))
    except BadInput:
        return []
    whole = FAT_TYPES | EXTENDED_TYPES
    found = [(ByteRange(p.offset, p.size), p.type in whole) for p in table.partitions]
    if any(partition.type == GPT_PROTECTIVE for partition in table.partitions):
        found = [(place, False) for place in gpt_partitions(image)]
    found.sort()
    ends = [0, *(place.end for place, _ in found)]
    overlapping = any(place.offset < end for (place, _), end in zip(found, ends, strict=False))
    return [] if overlapping or ends[-1] > image.size else found


def _looks_like_fat(image: Blocks, place: ByteRange) -> bool:
    """By the names in its boot sector: Microsoft's FAT specification, sections 3.2 and 3.3."""
    head = image.read(place.offset, SECTOR) if place.length >= SECTOR else bytes(SECTOR)
    return head[510:] == b"\x55\xaa" and (head[54:57] == b"FAT" or head[82:87] == b"FAT32")
