"""Ledgers of several laptops become one: nothing lost, nothing doubled, nothing taken on trust."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flasher.errors import BadInput
from flasher.rig.entry import RESULTS, Entry, stamp
from flasher.rig.exchange import read_ledger, to_json
from flasher.rig.ledger import Ledger
from tests.unit.rig.sample_entry import ENTRY

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=12)
TIMES = st.sampled_from([f"2026-05-04T03:02:0{second}+00:00" for second in range(4)])


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Cards of few nodes in few seconds, so that much is nearly the same."""
    entry = replace(
        ENTRY,
        written_at=draw(TIMES),
        node=draw(st.sampled_from(["", "cam-0101", "cam-0102"])),
        generation=draw(st.integers(0, 2**53)),
        drive=draw(TEXT),
        reason=draw(TEXT),
        seconds=draw(st.floats(0, 1e6, allow_nan=False) | st.integers(0, 9).map(float)),
        result=draw(st.sampled_from(RESULTS)),
        write_speed=draw(st.floats(0, 1e3, allow_nan=False)),
    )
    return stamp(entry, draw(st.integers(0, 3)))


def ledger_of(folder: Path, name: str, lines: Sequence[Entry] = ()) -> Ledger:
    ledger = Ledger(folder / f"{name}.sqlite")
    ledger.merge(lines)
    return ledger


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(entries(), max_size=5), min_size=2, max_size=3), st.data())
def test_any_order_of_merges_ends_equal(parts: list[list[Entry]], data: st.DataObject) -> None:
    """Each laptop takes what the others exported, some of it twice, in an order of its own."""
    everything = {entry for part in parts for entry in part}
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = [folder / f"{number}.json" for number in range(len(parts))]
        for file, part in zip(files, parts, strict=True):
            file.write_text(to_json(part))
        ends = []
        for number, part in enumerate(parts):
            ledger = ledger_of(folder, str(number), part)
            for file in data.draw(st.permutations([*files, *files[:1]])):
                ledger.merge(read_ledger(file))
            ends.append(ledger.entries())
    assert all(end == ends[0] for end in ends)
    assert set(ends[0]) == everything
    assert len(ends[0]) == len(everything)


def test_what_two_laptops_made_of_one_ledger_comes_together(tmp_path: Path) -> None:
    common = Ledger(tmp_path / "a.sqlite")
    common.record(ENTRY)
    (tmp_path / "b.sqlite").write_bytes((tmp_path / "a.sqlite").read_bytes())
    for name, node in (("a", "cam-0102"), ("b", "cam-0103")):
        Ledger(tmp_path / f"{name}.sqlite").record(replace(ENTRY, node=node))
    for order in permutations("ab"):
        merged = Ledger(tmp_path / f"{''.join(order)}.sqlite")
        for name in order:
            merged.merge(read_ledger(tmp_path / f"{name}.sqlite"))
        nodes = sorted(entry.node for entry in merged.entries())
        assert nodes == ["cam-0101", "cam-0102", "cam-0103"]


def test_lines_are_taken_over_all_or_none(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, "ours", [stamp(ENTRY, 1)])

    def torn() -> Iterator[Entry]:
        yield stamp(ENTRY, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.merge(torn())
    assert ledger.entries() == (stamp(ENTRY, 1),)


def test_the_medium_that_a_ledger_comes_on_may_be_write_protected(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, "stick", [stamp(ENTRY, 1)])
    before = ledger.path.read_bytes()
    ledger.path.chmod(0o400)
    assert read_ledger(ledger.path) == (stamp(ENTRY, 1),)
    assert ledger.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [ledger.path]


def test_a_line_that_a_laptop_is_just_adding_comes_along(tmp_path: Path) -> None:
    """It stands in the write-ahead log until the last program has closed the ledger."""
    ledger = ledger_of(tmp_path, "open", [stamp(ENTRY, 1)])
    with closing(sqlite3.connect(ledger.path)) as reader:
        reader.execute("SELECT * FROM card").fetchone()
        ledger.merge([stamp(ENTRY, 2)])
        assert ledger.path.with_name("open.sqlite-wal").stat().st_size
        assert len(read_ledger(ledger.path)) == 2


def damage(change: Callable[[dict[str, object]], object]) -> Callable[[str], str]:
    def damaged(text: str) -> str:
        content = json.loads(text)
        change(content["entries"][1])
        return json.dumps(content)

    return damaged


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (lambda text: text[:-40], "ledger-damaged", "ends too early"),
        (lambda _: "", "ledger-foreign", "no ledger"),
        (lambda _: "node,position\n", "ledger-foreign", "no ledger"),
        (lambda _: '{"kind": "drives", "flasher": 1}', "ledger-foreign", "no ledger"),
        (lambda _: "[" * 100_000, "ledger-foreign", "no ledger"),
        (lambda text: text.replace('"flasher": 1', '"flasher": 2'), "ledger-newer", "format 2"),
        (damage(lambda e: e.update(mood="fine")), "ledger-newer", "mood"),
        (damage(lambda e: e.update(node="cam-0109")), "ledger-damaged", "line 2 was changed"),
        (damage(lambda e: e.update(bytes_written="10")), "ledger-damaged", "line 2 lacks"),
        (damage(lambda e: e.update(generation=True)), "ledger-damaged", "generation"),
        (damage(lambda e: e.update(generation=1 << 63)), "ledger-damaged", "generation"),
        (damage(lambda e: e.update(seconds=float("nan"))), "ledger-damaged", "seconds"),
        (damage(lambda e: e.update(seconds=10**400)), "ledger-damaged", "seconds"),
        (damage(lambda e: e.update(drive="/dev/\ud800")), "ledger-damaged", "drive"),
        (damage(lambda e: e.pop("card_id")), "ledger-damaged", "card_id"),
        (damage(lambda e: e.update(laptop="\x1b[2J")), "ledger-damaged", "line 2 .* its laptop"),
        (damage(lambda e: e.update(drive_model="\x9b2J")), "ledger-damaged", "its drive_model"),
        (damage(lambda e: e.update(reason="\u202eyako")), "ledger-damaged", "its reason"),
        (damage(lambda e: e.update(result="superb")), "ledger-damaged", "'superb'"),
        (damage(lambda e: e.update(written_at="yesterday")), "ledger-damaged", "written_at"),
        (damage(lambda e: e.update(node="a\nb")), "ledger-damaged", "node"),
        (damage(lambda e: e.update(address="{{ lookup('pipe', 'id') }}")), "ledger-damaged", "add"),
        (lambda text: json.dumps({**json.loads(text), "entries": [7]}), "ledger-damaged", "line 1"),
        (lambda text: json.dumps({**json.loads(text), "entries": 7}), "ledger-damaged", "entries"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_explained_and_nothing_is_taken(
    tmp_path: Path, change: Callable[[str], str], code: str, told: str
) -> None:
    file = tmp_path / "stick.json"
    file.write_text(change(to_json([stamp(ENTRY, 1), stamp(ENTRY, 2)])))
    with pytest.raises(BadInput, match=told) as caught:
        read_ledger(file)
    assert caught.value.code == code
    assert str(file) in caught.value.message


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("ALTER TABLE card ADD COLUMN mood", "ledger-newer"),
        ("PRAGMA user_version = 9", "ledger-newer"),
        ("UPDATE card SET node = 'cam-0109'", "ledger-damaged"),
        ("ALTER TABLE card RENAME TO people", "ledger-foreign"),
    ],
)
def test_a_database_that_is_no_sound_ledger_is_explained(
    tmp_path: Path, statement: str, code: str
) -> None:
    ledger = ledger_of(tmp_path, "theirs", [stamp(ENTRY, 1)])
    with closing(sqlite3.connect(ledger.path)) as database, database:
        database.execute(statement)
    with pytest.raises(BadInput) as caught:
        read_ledger(ledger.path)
    assert caught.value.code == code


def test_a_torn_database_is_explained(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, "theirs", [stamp(ENTRY, number) for number in range(200)])
    raw = ledger.path.read_bytes()
    ledger.path.write_bytes(raw[:4096] + b"\xa5" * (len(raw) - 4096))
    with pytest.raises(BadInput) as caught:
        read_ledger(ledger.path)
    assert caught.value.code == "ledger-damaged"


def test_a_file_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_ledger(tmp_path / "none.json")


def test_names_that_are_no_text_are_recorded_all_the_same(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    recorded = ledger.record(replace(ENTRY, drive="/tmp/card-\udcff.img"))
    assert ledger.entries() == (recorded,)


def test_what_a_terminal_would_obey_is_recorded_in_words_and_travels(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    recorded = ledger.record(replace(ENTRY, image_name="\x1b[2J.img", reason="Two\nlines."))
    assert (recorded.image_name, recorded.reason) == ("\\x1b[2J.img", "Two\nlines.")
    assert read_ledger(ledger.path) == (recorded,)
    file = tmp_path / "out.json"
    file.write_text(to_json(ledger.entries()))
    assert read_ledger(file) == (recorded,)
