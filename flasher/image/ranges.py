"""Byte ranges of an image or a card, and the few sums that are done with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """Bytes `offset` to `offset + length - 1`; `length` is at least 1."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after the range."""
        return self.offset + self.length

    def __str__(self) -> str:
        return f"bytes {self.offset}-{self.end - 1}"


def merge(ranges: Iterable[ByteRange]) -> tuple[ByteRange, ...]:
    """The same bytes as sorted ranges that neither overlap nor touch."""
    merged: list[ByteRange] = []
    for found in sorted(ranges):
        if merged and found.offset <= merged[-1].end:
            last = merged[-1]
            merged[-1] = ByteRange(last.offset, max(last.end, found.end) - last.offset)
        else:
            merged.append(found)
    return tuple(merged)


def widen(ranges: Iterable[ByteRange], unit: int, size: int) -> tuple[ByteRange, ...]:
    """The ranges grown to whole units of `unit` bytes, none beyond `size`, merged."""
    grown = []
    for found in ranges:
        first = found.offset // unit * unit
        end = min(-(-found.end // unit) * unit, size)
        if end > first:
            grown.append(ByteRange(first, end - first))
    return merge(grown)


def gaps(ranges: Iterable[ByteRange], size: int) -> tuple[ByteRange, ...]:
    """What merged ranges leave out of `size` bytes."""
    found, begin = [], 0
    for each in (*ranges, ByteRange(size, 1)):
        if each.offset > begin:
            found.append(ByteRange(begin, each.offset - begin))
        begin = each.end
    return tuple(found)


def total(ranges: Iterable[ByteRange]) -> int:
    """Bytes in ranges that do not overlap."""
    return sum(found.length for found in ranges)


def chunks(ranges: Iterable[ByteRange], length: int) -> Iterator[ByteRange]:
    """The ranges cut at multiples of `length` bytes, in order."""
    for found in ranges:
        offset = found.offset
        while offset < found.end:
            end = min((offset // length + 1) * length, found.end)
            yield ByteRange(offset, end - offset)
            offset = end


def overlap(first: ByteRange, second: ByteRange) -> ByteRange | None:
    """The bytes that are in both; None where there are none."""
    offset, end = max(first.offset, second.offset), min(first.end, second.end)
    return ByteRange(offset, end - offset) if offset < end else None


def split(
    ranges: Iterable[ByteRange], at: int
) -> tuple[tuple[ByteRange, ...], tuple[ByteRange, ...]]:
    """The parts of ranges that lie before the byte `at`, and those from it on."""
    before, behind = [], []
    for found in ranges:
        if found.offset < at:
            before.append(ByteRange(found.offset, min(found.end, at) - found.offset))
        if found.end > at:
            first = max(found.offset, at)
            behind.append(ByteRange(first, found.end - first))
    return tuple(before), tuple(behind)
