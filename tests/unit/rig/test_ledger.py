"""The ledger forgets nothing and counts only cards that were read back right."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange, merge
from flasher.rig.entry import is_genuine, nanoseconds_of, pack_ranges, stamp, unpack_ranges
from flasher.rig.ledger import Entry, Ledger
from tests.unit.rig.sample_entry import ENTRY


def test_what_was_recorded_is_read_by_the_next_program(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite"
    recorded = Ledger(path).record(ENTRY)
    assert Ledger(path).entries() == (recorded,)
    assert replace(recorded, entry_id="", laptop="", tool="") == ENTRY


def test_a_failed_card_does_not_count_as_made(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(replace(ENTRY, result="failed", reason="The card was pulled."))
    assert ledger.made("body", "studio") == {}
    recorded = ledger.record(ENTRY)
    assert ledger.made("body", "studio") == {"cam-0101": recorded}
    assert ledger.made("body", "elsewhere") == {}


def test_lanes_record_at_once_and_lose_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ThreadPoolExecutor(8) as lanes:
        list(lanes.map(lambda n: ledger.record(replace(ENTRY, node=f"n{n}")), range(40)))
    assert {entry.node for entry in ledger.entries()} == {f"n{n}" for n in range(40)}


def test_a_line_from_a_clock_that_was_ahead_stays_before_those_that_came_later(
    tmp_path: Path,
) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ahead = "2099-01-01T00:00:00+00:00"
    at = nanoseconds_of(ahead)
    ledger.merge([stamp(replace(ENTRY, card_id="a" * 32, written_at=ahead, laptop="x"), at)])
    recorded = ledger.record_all(replace(ENTRY, card_id=c * 32) for c in "bc")
    assert [line.card_id[0] for line in ledger.entries()] == ["a", "b", "c"]
    assert ledger.made("body", "studio") == {"cam-0101": recorded[1]}
    assert all(map(is_genuine, recorded))
    far = [stamp(replace(ENTRY, card_id=c * 32), 2**64 - 1) for c in "d"]
    ledger.merge(far)
    assert is_genuine(ledger.record(ENTRY))


def test_lines_of_one_second_stay_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for number in range(20):
        ledger.record(replace(ENTRY, generation=number))
    assert [entry.generation for entry in ledger.entries()] == list(range(20))


def earlier_ledger(path: Path, columns: int, lines: Sequence[Entry]) -> Path:
    """A ledger as an earlier version left it, which knew only the first columns."""
    with closing(sqlite3.connect(path)) as database, database:
        names = [field.name for field in fields(Entry)][:columns]
        database.execute(f"CREATE TABLE card ({', '.join(names)})")
        places = ", ".join("?" * columns)
        rows = [astuple(line)[:columns] for line in lines]
        database.executemany(f"INSERT INTO card VALUES ({places})", rows)  # noqa: S608
    return path


@pytest.mark.parametrize("columns", [14, 15])
def test_a_ledger_of_an_earlier_version_is_read_and_goes_on(tmp_path: Path, columns: int) -> None:
    path = earlier_ledger(tmp_path / "ledger.sqlite", columns, [ENTRY])
    later = Ledger(path).record(replace(ENTRY, host_key="ssh-ed25519 AAAA"))
    old, new = Ledger(path).entries()
    assert (replace(old, entry_id=""), new) == (ENTRY, later)


def test_two_copies_of_an_earlier_ledger_become_one(tmp_path: Path) -> None:
    lines = [ENTRY, ENTRY, replace(ENTRY, node="cam-0102"), replace(ENTRY, written_at="")]
    first = Ledger(earlier_ledger(tmp_path / "first", 14, lines))
    second = Ledger(earlier_ledger(tmp_path / "second", 15, lines[:3]))
    assert first.merge(second.entries()) == 0
    assert second.merge(first.entries()) == 1
    assert second.entries() == first.entries()
    assert len({entry.entry_id for entry in first.entries()}) == len(lines)


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).record(ENTRY)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(FlasherError, match="format 99") as caught:
        Ledger(path).entries()
    assert caught.value.code == "ledger-newer"


def test_a_line_that_was_changed_is_known_by_its_id() -> None:
    line = stamp(ENTRY, 1)
    assert is_genuine(line)
    for changed in (replace(line, node="cam-0102"), replace(line, role="camera")):
        assert not is_genuine(changed)


@given(st.sets(st.integers(0, 2000), max_size=20))
def test_ranges_come_back_from_their_text(blocks: set[int]) -> None:
    ranges = merge(ByteRange(block * 4096, 4096) for block in blocks)
    assert unpack_ranges(pack_ranges(ranges)) == ranges


def test_an_empty_ledger_makes_no_file(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "ledger.sqlite").entries() == ()
    assert not list(tmp_path.iterdir())
