"""Partitions for a card of any size: aligned, apart, within it, and as large as was asked for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.disk import ALIGNMENT, Geometry
from builder.filesystems import MIB
from builder.measure import Measure
from builder.tailored import LEAST_BOOT, LEAST_EXT4, Sizes, plan_partitions, require_fits
from flasher.errors import BadInput, FlasherError

GIB = 1 << 30
CARD = 8 * GIB

some = st.integers(LEAST_EXT4, 3 * GIB)
sizes = st.one_of(
    st.builds(Sizes, st.integers(LEAST_BOOT, GIB), st.none(), st.one_of(st.just(0), some)),
    st.builds(Sizes, st.integers(LEAST_BOOT, GIB), some, st.one_of(st.just(0), st.none(), some)),
)


@given(st.integers(CARD, 4 << 40), sizes)
def test_partitions_are_aligned_apart_and_within_the_card(card: int, wanted: Sizes) -> None:
    geometry = plan_partitions(card, wanted)
    parts = [part for part in (geometry.boot, geometry.root, geometry.data) if part]
    assert (geometry.data is None) == (wanted.data == 0)
    assert parts[0].offset == ALIGNMENT
    assert all(part.offset % ALIGNMENT == part.length % ALIGNMENT == 0 for part in parts)
    assert all(one.end == two.offset for one, two in pairwise(parts))
    assert geometry.size <= min(card, 2 << 40)  # which is as far as an MBR can count
    for part, size in zip(parts, (wanted.boot, wanted.root, wanted.data), strict=False):
        assert size is None or size <= part.length < size + ALIGNMENT
    if None in (wanted.root, wanted.data):
        assert min(card, 2 << 40) - geometry.size < ALIGNMENT


@pytest.mark.parametrize(
    ("card", "wanted", "code"),
    [
        (CARD, Sizes(256 * MIB, None, None), "two-rests"),
        (CARD, Sizes(256 * MIB, CARD), "card-too-small"),
        (CARD, Sizes(256 * MIB, None, CARD), "card-too-small"),
        (300 * MIB, Sizes(256 * MIB), "partition-too-small"),
        (100 * MIB, Sizes(256 * MIB), "card-too-small"),
        (CARD, Sizes(16 * MIB), "partition-too-small"),
        (CARD, Sizes(256 * MIB, 8 * MIB), "partition-too-small"),
        (0, Sizes(256 * MIB), "card-too-small"),
    ],
)
def test_what_no_card_can_have_is_refused(card: int, wanted: Sizes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        plan_partitions(card, wanted)
    assert refused.value.code == code


def room(root: int = GIB, data: int = 0) -> Geometry:
    return plan_partitions(CARD, Sizes(64 * MIB, root, data))


@pytest.mark.parametrize(
    ("geometry", "found", "code"),
    [
        (room(), Measure("boot", GIB // 4096, 10, 0, (), (), ()), "root-partition-too-small"),
        (room(), Measure("boot", 9, 70_000, 0, (), (), ()), "root-partition-too-small"),
        (
            room(data=LEAST_EXT4),
            Measure("boot", 9, 9, 0, (), (), (), 25_000, 2),
            "data-partition-too-small",
        ),
        (room(), Measure("boot", 9, 9, 0, (("a", 64 * MIB),), (), ()), "boot-partition-too-small"),
        (room(), Measure("boot", 9, 9, 0, (), (), ("link",)), "boot-file-odd"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused_before_anything_is_made(
    geometry: Geometry, found: Measure, code: str
) -> None:
    with pytest.raises(FlasherError) as refused:
        require_fits(geometry, found)
    assert refused.value.code == code
    require_fits(geometry, Measure("boot", 9, 9, 0, (("a", MIB),), (), (), 9, 9))


@pytest.mark.parametrize(
    "names",
    [
        ("a:b",),
        ("what?",),
        ("dot.",),
        ("space ",),
        ("back\\slash",),
        ("line\nbreak",),
        ("\udcff",),
        ("README", "readme"),
        ("overlays/A", "overlays/a"),
    ],
)
def test_boot_files_that_a_fat_cannot_name_or_tell_apart_are_refused(
    names: tuple[str, ...],
) -> None:
    found = Measure("boot", 9, 9, 0, tuple((name, 1) for name in names), (), ())
    with pytest.raises(FlasherError) as refused:
        require_fits(room(), found)
    assert refused.value.code == "boot-file-odd"


def test_names_that_a_fat_can_hold_are_taken() -> None:
    names = ("README", "overlays/README", "größer als üblich.txt", ".hidden", "a.b.c", "x" * 255)
    found = Measure("boot", 9, 9, 0, tuple((name, 1) for name in names), ("overlays",), ())
    require_fits(room(), found)
