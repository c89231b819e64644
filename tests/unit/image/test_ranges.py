"""Sums with byte ranges, judged by sets of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flasher.image.ranges import ByteRange, chunks, gaps, merge, overlap, split, total, widen

some_ranges = st.lists(st.builds(ByteRange, st.integers(0, 200), st.integers(1, 40)), max_size=8)


def covered(ranges: Iterable[ByteRange]) -> set[int]:
    return {byte for found in ranges for byte in range(found.offset, found.end)}


@given(some_ranges)
def test_merging_keeps_every_byte_and_leaves_no_two_ranges_that_touch(
    ranges: list[ByteRange],
) -> None:
    merged = merge(ranges)
    assert covered(merged) == covered(ranges)
    assert total(merged) == len(covered(ranges))
    assert all(left.end < right.offset for left, right in pairwise(merged))


@given(some_ranges, st.integers(1, 50))
def test_chunks_are_the_same_bytes_cut_at_multiples(ranges: list[ByteRange], length: int) -> None:
    cut = list(chunks(merge(ranges), length))
    assert covered(cut) == covered(ranges)
    assert all(found.offset // length == (found.end - 1) // length for found in cut)


@given(some_ranges, st.integers(1, 16))
def test_widened_ranges_are_whole_units_inside_the_size(ranges: list[ByteRange], unit: int) -> None:
    size = 230
    for found in widen(ranges, unit, size):
        assert found.offset % unit == 0
        assert found.end % unit == 0 or found.end == size
    assert covered(widen(ranges, unit, size)) >= {byte for byte in covered(ranges) if byte < size}


@given(*[st.builds(ByteRange, st.integers(0, 30), st.integers(1, 20))] * 2)
def test_an_overlap_is_what_both_have(first: ByteRange, second: ByteRange) -> None:
    both = overlap(first, second)
    assert covered([both] if both else []) == covered([first]) & covered([second])


@given(some_ranges)
def test_gaps_are_the_bytes_that_are_left_out(ranges: list[ByteRange]) -> None:
    size = 250
    left = gaps(merge(ranges), size)
    assert covered(left) == set(range(size)) - covered(ranges)
    assert merge(left) == left


@given(some_ranges, st.integers(0, 250))
def test_what_is_split_is_all_there_on_its_side(ranges: list[ByteRange], at: int) -> None:
    before, behind = split(ranges, at)
    assert covered(before) == {byte for byte in covered(ranges) if byte < at}
    assert covered(behind) == {byte for byte in covered(ranges) if byte >= at}
