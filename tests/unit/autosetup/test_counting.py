"""Numbers that grow, whatever happens to the node and to its clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosetup.counting import Sequence, begin
from autosetup.manifest import LARGEST


def test_numbers_grow_within_a_start_and_over_many(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        sequence = begin(tmp_path / "state", "reports")
        numbers += [sequence.next() for _ in range(3)]
    assert numbers == sorted(set(numbers))
    assert (tmp_path / "state/reports").read_text() == "3\n"


def test_a_clock_that_goes_back_takes_no_number_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = Sequence(1)
    for now, number in ((100.0, 100), (50.0, 101), (50.5, 102), (103.9, 103), (0.0, 104)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert sequence.next() == 1 << 32 | number


def test_a_card_that_cannot_be_written_still_lets_the_node_speak(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    assert begin(tmp_path, "reports").starts == 1


@pytest.mark.parametrize("spoiled", ["", "many", "-5", "9" * 40])
def test_a_spoiled_count_stays_in_bounds(tmp_path: Path, spoiled: str) -> None:
    (tmp_path / "reports").write_text(spoiled)
    assert 0 < begin(tmp_path, "reports").next() < LARGEST
