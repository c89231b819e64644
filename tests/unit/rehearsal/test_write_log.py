"""A log of a card's writes is read as Linux and QEMU write it, and cut as a power cut would."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal.write_log import LOSSES, SECTOR, Entry, LogReader, left_by_cut, write_to

HEAD = struct.pack("<QQQI", 0x6A736677736872, 1, 0, SECTOR).ljust(SECTOR, b"\0")
FLUSH = struct.pack("<QQQQ", 0, 0, 1, 0).ljust(SECTOR, b"\0")


def write(sector: int, *fill: bytes, flags: int = 0) -> bytes:
    head = struct.pack("<QQQQ", sector, len(fill), flags, 0).ljust(SECTOR, b"\0")
    return head + b"".join(letter * SECTOR for letter in fill)


def test_writes_and_flushes_are_read_in_their_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(HEAD + write(8, b"a", b"b") + FLUSH + write(2, b"c", flags=2))
    assert LogReader(log).new() == [
        Entry(8 * SECTOR, b"a" * SECTOR + b"b" * SECTOR),
        Entry(0, b"", flushes=True),
        Entry(2 * SECTOR, b"c" * SECTOR, is_durable=True),
    ]


def test_a_log_that_grows_is_read_on_and_never_in_the_middle_of_an_entry(tmp_path: Path) -> None:
    log, whole = tmp_path / "log", HEAD + write(1, b"a") + FLUSH + write(3, b"b")
    log.write_bytes(b"")
    reader, found = LogReader(log), 0
    for size in range(0, len(whole) + 1, 100):
        log.write_bytes(whole[:size])
        found += len(reader.new())
    log.write_bytes(whole + bytes(2 * SECTOR))  # room that was taken and not written yet
    assert found + len(reader.new()) == 3
    assert reader.new() == []


def test_a_discard_takes_nothing_away(tmp_path: Path) -> None:
    log = tmp_path / "log"
    discard = struct.pack("<QQQQ", 5, 100, 4, 0).ljust(SECTOR, b"\0")
    log.write_bytes(HEAD + discard + write(1, b"a"))
    assert [entry.data[:1] for entry in LogReader(log).new()] == [b"", b"a"]


def test_another_kind_of_file_is_no_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"#" * 4 * SECTOR)
    with pytest.raises(ValueError, match="not a log"):
        LogReader(log).new()


entries = st.lists(
    st.one_of(
        st.just(Entry(0, b"", flushes=True)),
        st.builds(
            lambda at, fill, count, durable: Entry(
                at * SECTOR, bytes([fill]) * SECTOR * count, is_durable=durable
            ),
            st.integers(0, 9),
            st.integers(1, 255),
            st.integers(1, 3),
            st.booleans(),
        ),
    ),
    max_size=12,
)


@given(entries, st.sampled_from(LOSSES), st.randoms(use_true_random=False))
def test_what_was_flushed_survives_and_nothing_appears_that_was_not_written(
    log: list[Entry], loss: str, chance: random.Random
) -> None:
    left = left_by_cut(log, loss, chance)  # type: ignore[arg-type]
    last = max((at for at, entry in enumerate(log) if entry.flushes), default=0)
    assert left[:last] == log[:last]
    written = {
        (entry.offset + at, entry.data[at : at + SECTOR])
        for entry in log
        for at in range(0, len(entry.data), SECTOR)
    }
    for entry in left:
        for at in range(0, len(entry.data), SECTOR):
            assert (entry.offset + at, entry.data[at : at + SECTOR]) in written
    if loss == "kept":
        assert {e for e in left if e.data} == {e for e in log if e.data}
    if loss == "dropped":
        assert all(e.is_durable for e in left[last:] if e.data)


def test_writes_go_to_their_places(tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.write_bytes(bytes(4 * SECTOR))
    write_to(card, [Entry(SECTOR, b"a" * SECTOR), Entry(0, b"", flushes=True)])
    assert card.read_bytes() == bytes(SECTOR) + b"a" * SECTOR + bytes(2 * SECTOR)
