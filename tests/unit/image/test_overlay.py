"""A draft over an image: what was written is seen, the base is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasher.errors import FlasherError
from flasher.image.blocks import SECTOR, Overlay
from tests.memory_blocks import MemoryBlocks

BASE = bytes(range(256)) * 12 + b"tail"
writes = st.lists(
    st.integers(0, len(BASE) - 1).flatmap(
        lambda offset: st.tuples(st.just(offset), st.binary(max_size=min(1500, len(BASE) - offset)))
    ),
    max_size=6,
)


@given(writes)
def test_a_draft_reads_like_a_changed_copy_and_its_changes_make_one(
    written: list[tuple[int, bytes]],
) -> None:
    base, copy = MemoryBlocks(BASE), bytearray(BASE)
    draft = Overlay(base)
    for offset, data in written:
        draft.write(offset, data)
        copy[offset : offset + len(data)] = data
    assert draft.read(0, draft.size) == copy
    assert draft.read(700, 801) == copy[700:1501]
    assert base.read(0, base.size) == BASE
    for extent in draft.changes():
        assert extent.offset % SECTOR == 0
        base.write(extent.offset, extent.data)
    assert base.read(0, base.size) == copy


def test_changes_that_touch_are_one_extent_and_equal_bytes_are_none() -> None:
    draft = Overlay(MemoryBlocks(bytes(4 * SECTOR)))
    draft.write(SECTOR, b"a" * SECTOR)
    draft.write(2 * SECTOR, b"b")
    draft.write(0, bytes(10))
    (extent,) = draft.changes()
    assert (extent.offset, len(extent.data)) == (SECTOR, 2 * SECTOR)


def test_nothing_is_read_or_written_beyond_the_end() -> None:
    draft = Overlay(MemoryBlocks(bytes(10)))
    with pytest.raises(FlasherError, match="beyond the end"):
        draft.read(8, 3)
    with pytest.raises(FlasherError, match="beyond the end"):
        draft.write(10, b"x")
