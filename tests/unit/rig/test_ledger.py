"""The ledger forgets nothing and counts only cards that were read back right."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple, fields, replace
from pathlib import Path

from flasher.rig.ledger import Entry, Ledger

ENTRY = Entry(
    written_at="2026-05-04T03:02:01+00:00",
    profile="body",
    site="studio",
    node="cam-0101",
    position="SEG1-CAM1",
    generation=1,
    card_id="c" * 32,
    drive="/dev/sdx",
    serial="S1",
    image_digest="0" * 64,
    bytes_written=10,
    seconds=1.5,
    result="verified",
    reason="",
)


def test_what_was_recorded_is_read_by_the_next_program(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite"
    Ledger(path).record(ENTRY)
    assert Ledger(path).entries() == (ENTRY,)


def test_a_failed_card_does_not_count_as_made(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(replace(ENTRY, result="failed", reason="The card was pulled."))
    assert ledger.made("body", "studio") == {}
    ledger.record(ENTRY)
    assert ledger.made("body", "studio") == {"cam-0101": ENTRY}
    assert ledger.made("body", "elsewhere") == {}


def test_lanes_record_at_once_and_lose_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ThreadPoolExecutor(8) as lanes:
        list(lanes.map(lambda n: ledger.record(replace(ENTRY, node=f"n{n}")), range(40)))
    assert {entry.node for entry in ledger.entries()} == {f"n{n}" for n in range(40)}


def test_a_ledger_of_an_earlier_version_is_read_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        columns = [field.name for field in fields(Entry)][:-1]
        database.execute(f"CREATE TABLE card ({', '.join(columns)})")
        database.execute(
            "INSERT INTO card VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", astuple(ENTRY)[:-1]
        )
    later = replace(ENTRY, host_key="ssh-ed25519 AAAA")
    Ledger(path).record(later)
    assert Ledger(path).entries() == (ENTRY, later)


def test_an_empty_ledger_makes_no_file(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "ledger.sqlite").entries() == ()
    assert not list(tmp_path.iterdir())
