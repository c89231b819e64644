"""What time it is at least, by a clock that may know nothing, and by what others told."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosetup.forms import utc_text
from autosetup.time_floor import TimeFloor, floor_of_server, keep_floor, read_floor

NONE = TimeFloor()
MINUTE, YEAR = "1970-01-01T00:01:00Z", "1971-01-01T00:00:00Z"
DAY = 86_400
OF_YEAR = 365 * DAY
NOON = 1_795_000_000  # 2026-11-18T11:06:40Z


@pytest.mark.parametrize(
    ("floor", "clock", "past", "now"),
    [
        (NONE, 0, (MINUTE,), 60),
        (NONE, 0, (MINUTE, None, "1970-01-01T00:02:00Z"), 120),
        (NONE, 61.5, (MINUTE,), 61.5),
        (NONE, 5, (None,), 5),
        (TimeFloor(90), 0, (MINUTE,), 90),
        (TimeFloor(90, OF_YEAR), 0, (YEAR,), 90),
        (TimeFloor(90, OF_YEAR), 100, (YEAR,), 100),
        (TimeFloor(90, OF_YEAR), OF_YEAR + 7, (MINUTE,), 90),
    ],
)
def test_it_is_never_before_what_is_over_nor_what_a_clock_ahead_told(
    floor: TimeFloor, clock: float, past: tuple[str | None, ...], now: float
) -> None:
    assert floor.now(clock, *past) == now


def test_what_a_later_release_ends_before_was_told_by_a_clock_ahead() -> None:
    early, wrong = NOON, NOON + 2 * OF_YEAR
    ends = early + OF_YEAR
    assert TimeFloor(wrong).contradicted(early, ends, YEAR) == TimeFloor(early, wrong)
    assert NONE.contradicted(early, ends, utc_text(wrong), YEAR) == TimeFloor(early, wrong)
    assert TimeFloor(ends).contradicted(early, ends, YEAR, None) is None
    assert TimeFloor(early, wrong).contradicted(early + 9, ends, utc_text(wrong)) is None


def test_a_release_that_is_said_to_end_early_tells_nothing_of_clocks() -> None:
    assert TimeFloor(NOON).contradicted(NOON - 29 * DAY, NOON - DAY) is None


@pytest.mark.parametrize(
    ("floor", "clock"),
    [
        (TimeFloor(NOON - 60, NOON), NOON + 60),  # a clock that goes on from what is known
        (TimeFloor(NOON + 60, NOON), 0),  # a release that was made since
    ],
)
def test_a_time_that_was_told_too_early_counts_once_it_has_come(
    floor: TimeFloor, clock: int
) -> None:
    assert floor.reached(clock) == TimeFloor(NOON + 60)
    assert floor.now(clock, utc_text(NOON + 30)) == NOON + 60


def test_a_clock_far_beyond_what_is_known_brings_no_time_about() -> None:
    floor = TimeFloor(NOON, NOON + 60 * DAY)
    assert floor.reached(NOON + 61 * DAY) is floor
    assert floor.now(NOON + 61 * DAY) == NOON


def test_a_server_of_time_overrules_what_is_beyond_it() -> None:
    assert floor_of_server(100.5, MINUTE) == TimeFloor(100)
    assert floor_of_server(100, YEAR, None) == TimeFloor(100, OF_YEAR)


def test_it_is_kept_and_not_written_for_less_than_an_hour(tmp_path: Path) -> None:
    folder = tmp_path / "update"
    assert read_floor(folder) == NONE
    keep_floor(folder, TimeFloor(NOON))
    assert (folder / "verified-at").read_text() == "2026-11-18T11:06:40Z\n"
    keep_floor(folder, TimeFloor(NOON + 3599))
    assert read_floor(folder) == TimeFloor(NOON)
    keep_floor(folder, TimeFloor(NOON + 3600))
    assert read_floor(folder) == TimeFloor(NOON + 3600)
    keep_floor(folder, TimeFloor(NOON + 3600, 2 * NOON))
    assert read_floor(folder) == TimeFloor(NOON + 3600, 2 * NOON)
    keep_floor(folder, TimeFloor(NOON - 3600))
    assert read_floor(folder) == TimeFloor(NOON - 3600)


@pytest.mark.parametrize("spoiled", [b"", b"\xff", b"yesterday\n", bytes(21)])
def test_what_is_spoiled_counts_for_nothing(tmp_path: Path, spoiled: bytes) -> None:
    (tmp_path / "verified-at").write_bytes(spoiled)
    assert read_floor(tmp_path) == NONE
    keep_floor(tmp_path, TimeFloor(NOON))
    assert read_floor(tmp_path) == TimeFloor(NOON)
