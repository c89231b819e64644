"""What was seen of a card is told once, and never makes a second card of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.status import Status
from flasher.rig.entry import Entry, stamp, standing
from flasher.rig.exchange import read_ledger, to_json
from flasher.rig.inventory import latest_cards
from flasher.rig.ledger import Ledger
from flasher.rig.sightings import Sight, record_sighting, sighting
from flasher.rig.twins import former_life, twins
from tests.unit.rig.sample_entry import ENTRY, NOW

WRITTEN = replace(
    ENTRY, serial="S1", ranges="0+256", bytes_verified=10, write_speed=20.0, replaces="d" * 32
)
DONE = Status("done", node="cam-0101", generation=1, card_id=ENTRY.card_id)


def seen(sight: Sight, *lines: Entry, drive: str = "/dev/sdy") -> Entry:
    found = sighting(lines, ENTRY.card_id, 1, sight, NOW, drive=drive, seconds=90.0)
    assert found is not None
    return found


def test_a_sighting_says_whose_card_it_is_and_nothing_of_how_it_was_written() -> None:
    line = seen("rehearsed", WRITTEN)
    assert (line.node, line.position, line.site) == ("cam-0101", "SEG1-CAM1", "studio")
    assert (line.card_id, line.generation, line.image_digest) == (ENTRY.card_id, 1, "0" * 64)
    assert (line.result, line.drive, line.seconds) == ("rehearsed", "/dev/sdy", 90.0)
    assert (line.written_at, line.finished_at) == (NOW.isoformat(),) * 2
    assert (line.serial, line.ranges, line.bytes_written, line.replaces) == ("", "", 0, "")


def test_a_card_is_seen_once_and_a_living_one_needs_no_rehearsal() -> None:
    rehearsed = seen("rehearsed", WRITTEN)
    assert sighting([WRITTEN, rehearsed], ENTRY.card_id, 1, "rehearsed", NOW) is None
    alive = seen("alive", WRITTEN, rehearsed)
    for sight in ("rehearsed", "alive"):
        assert sighting([WRITTEN, rehearsed, alive], ENTRY.card_id, 1, sight, NOW) is None


def test_a_mended_card_is_seen_anew() -> None:
    lines = [WRITTEN, seen("alive", WRITTEN), replace(WRITTEN, reason="To be tried again.")]
    assert seen("alive", *lines).result == "alive"


@pytest.mark.parametrize(
    "changes", [{"result": "failed"}, {"generation": 2}, {"card_id": "d" * 32}, {"card_id": ""}]
)
def test_a_card_that_was_not_verified_or_is_another_one_is_not_seen(
    changes: dict[str, object],
) -> None:
    line = replace(ENTRY, **changes)  # type: ignore[arg-type]
    assert sighting([line], ENTRY.card_id, 1, "alive", NOW) is None
    assert sighting([line], "", 1, "alive", NOW) is None


def test_a_card_that_was_seen_stands_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    made = ledger.record(ENTRY)
    for sight in ("rehearsed", "alive"):
        assert record_sighting(ledger, DONE, sight) is not None
        assert record_sighting(ledger, DONE, sight) is None
    lines = ledger.entries()
    assert [line.result for line in lines] == ["verified", "rehearsed", "alive"]
    assert standing(lines) == latest_cards(lines) == (made,)
    assert ledger.made("body", "studio") == {"cam-0101": made}
    assert former_life(lines, ENTRY.card_id, NOW) == former_life([made], ENTRY.card_id, NOW)
    assert twins(lines, "cam-0101", "studio", NOW) == twins([made], "cam-0101", "studio", NOW)


def test_a_card_that_was_overwritten_is_not_counted_for_having_been_seen() -> None:
    lines = [WRITTEN, seen("alive", WRITTEN)]
    lines.append(replace(ENTRY, node="cam-0102", card_id="e" * 32, replaces=ENTRY.card_id))
    assert [card.node for card in standing(lines)] == ["cam-0102"]


def test_only_a_node_that_is_done_was_seen_to_work(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(ENTRY)
    for status in (None, replace(DONE, state="failed"), replace(DONE, state="rolled-back")):
        assert record_sighting(ledger, status, "alive") is None


def test_sightings_travel_between_laptops(tmp_path: Path) -> None:
    lines = [stamp(ENTRY, 1), stamp(seen("rehearsed", ENTRY), 2), stamp(seen("alive", ENTRY), 3)]
    (tmp_path / "stick.json").write_text(to_json(lines))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.merge(read_ledger(tmp_path / "stick.json")) == 3
    assert set(read_ledger(ledger.path)) == set(lines)
