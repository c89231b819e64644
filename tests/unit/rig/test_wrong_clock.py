"""A clock that cannot be right is told before cards and releases are made by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flasher.rig.entry import Entry
from flasher.rig.wrong_clock import clock_complaint, made_at
from tests.unit.rig.sample_entry import ENTRY

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
MADE = NOW - timedelta(days=100)


def written(moment: datetime, **changed: int) -> Entry:
    """A line of that time."""
    return replace(ENTRY, written_at=moment.isoformat(), **changed)  # type: ignore[arg-type]


def complaint(*entries: Entry, generation: int = 0, now: datetime = NOW) -> str:
    """What is told of the clock."""
    return clock_complaint(now, MADE, entries, generation)


def test_a_clock_that_may_be_right_is_not_spoken_of() -> None:
    assert complaint() == ""
    almost = NOW + timedelta(minutes=50)
    assert complaint(written(NOW), written(almost), replace(ENTRY, written_at="")) == ""
    assert complaint(generation=int(almost.timestamp())) == ""


def test_a_clock_behind_the_program_is_told() -> None:
    told = complaint(now=datetime(2020, 1, 1, tzinfo=UTC))
    assert told.startswith("This computer's clock shows 2020-01-01 00:00 UTC")
    assert "made on 2026-08-14. Set the clock" in told


@pytest.mark.parametrize("days", [1, 26_500])
def test_a_clock_behind_the_ledger_is_told(days: int) -> None:
    later = NOW + timedelta(days=days)
    told = complaint(written(later), ENTRY)
    assert f"made on {later:%Y-%m-%d}: it is behind now, or was ahead then" in told
    assert "\n" not in told


def test_a_last_generation_of_a_time_to_come_is_told() -> None:
    ahead = datetime(2099, 1, 1, tzinfo=UTC)
    assert "made on 2099-01-01" in complaint(generation=int(ahead.timestamp()))
    assert "made on 2099-01-01" in complaint(written(NOW, generation=int(ahead.timestamp())))
    assert "made on 9999-12-31" in complaint(written(NOW, generation=2**53))


def test_this_program_was_made_before_it_is_run() -> None:
    assert made_at() < datetime.now(UTC)
