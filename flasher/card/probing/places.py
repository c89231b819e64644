"""Where a probe writes and where it looks. Pure.

One stretch at the end of the card is laced with marks, one in each block, and single blocks are
read all over the card, no farther apart than the stretch is long. Where addresses wrap around, at
whatever sector, one of these lies upon the stretch and shows a mark of it. What is not kept at all
shows at the stretch itself, and at single marks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from flasher.card.probing.marks import BLOCK
from flasher.image.ranges import ByteRange

# No marks before: it is the part of a card that is needed to know what was on it.
FIRST = 1 << 20
# Marks at distances of this, and of all powers of two below it, share a place in a cache whose
# places follow from addresses; f3 (src/f3probe.c, MAX_CACHE_SIZE_BYTE) expects none that is larger.
CACHE_GRID = 1 << 30
_SHORTEST, _LONGEST = 16 << 20, 64 << 20
_READS = 4096
_MARKS = 16


@dataclass(frozen=True, slots=True)
class Places:
    """Offsets, all multiples of `BLOCK`.

    Attributes:
        marks: single blocks that are written, ascending.
        stretch: what is laced with marks, at the card's end.
        reads: single blocks that are only read, ascending.
    """

    marks: tuple[int, ...]
    stretch: ByteRange
    reads: tuple[int, ...]


def choose_places(size: int, chance: Random) -> Places:
    """Where to look on a card of so many bytes, 64 KiB or more."""
    stretch = end_stretch(size)
    marks = {
        *_spread(size, stretch.offset, chance),
        *_on_grid(size, stretch.offset, chance),
        *_before_last(size, stretch),
    }
    reads = set(all_over(size, chance)) | set(_powers_below(stretch.end - BLOCK))
    only_read = (place for place in reads - marks if place < stretch.offset)
    return Places(tuple(sorted(marks)), stretch, tuple(sorted(only_read)))


def end_stretch(size: int) -> ByteRange:
    """The last 16 MiB, more on cards above 64 GiB, less on those below 128 MiB."""
    whole = down(size)
    length = min(max(down(size // _READS), _SHORTEST), _LONGEST, max(down(size // 8), BLOCK))
    return ByteRange(whole - length, length)


def first_place(size: int) -> int:
    """The first offset where a probe may write."""
    return min(FIRST, down(size // 8))


def all_over(size: int, chance: Random) -> Iterator[int]:
    """Offsets from 0 to the end, as far apart as the stretch is long, or 4096 of them."""
    step = max(end_stretch(size).length, up(-(-size // _READS)))
    yield 0
    yield from range(down(chance.randrange(step)), down(size), step)


def grid(size: int) -> int:
    """The power of two that marks are apart from each other: 1 GiB, less on small cards."""
    return min(CACHE_GRID, max(1 << (size // 8).bit_length() - 1, BLOCK))


def down(offset: int) -> int:
    """To the multiple of `BLOCK` at or below."""
    return offset // BLOCK * BLOCK


def up(offset: int) -> int:
    """To the multiple of `BLOCK` at or above."""
    return -(-offset // BLOCK) * BLOCK


def _spread(size: int, end: int, chance: Random) -> Iterator[int]:
    """One mark somewhere in each of equal parts."""
    first = first_place(size)
    part = max(down((end - first) // _MARKS), BLOCK)
    for start in range(first, end - part + 1, part):
        yield start + down(chance.randrange(part))


def _on_grid(size: int, end: int, chance: Random) -> Iterator[int]:
    """Marks that a cache cannot hold side by side."""
    apart, first = grid(size), first_place(size)
    places = range(first + down(chance.randrange(apart)), end, apart)
    yield from places[:: max(len(places) // _MARKS, 1)]


def _before_last(size: int, stretch: ByteRange) -> Iterator[int]:
    """Marks that the stretch, which is written later, takes the place of in any such cache."""
    for power in range(stretch.length.bit_length() - 1, CACHE_GRID.bit_length()):
        place = stretch.end - BLOCK - (1 << power)
        if first_place(size) <= place < stretch.offset:
            yield place


def _powers_below(last: int) -> Iterator[int]:
    """Where the last block lies if addresses lose their upper bits, or wrap once."""
    for power in range(BLOCK.bit_length() - 1, last.bit_length()):
        yield last % (1 << power)
        yield last - (1 << power)
