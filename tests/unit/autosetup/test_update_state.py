"""What the updater says of itself reads back the same, and never stops it or whoever reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosetup.system import System
from autosetup.update_state import PLACE, Updating, tell, told

SAID = (
    Updating("idle", at="2026-11-21T03:39:50Z"),
    Updating("waiting", generation=7, reason="The scanner captures."),
    Updating("fetching", 3, 17, 7, source="http://central/repository"),
    Updating("refused", code="frozen", reason="The release has expired."),
)


@pytest.mark.parametrize("said", SAID, ids=lambda said: said.doing)
def test_what_was_said_reads_back(tmp_path: Path, said: Updating) -> None:
    tell(System(tmp_path), said)
    assert told(System(tmp_path)) == said


def test_what_others_wrote_is_one_line_of_a_length_that_people_read(tmp_path: Path) -> None:
    tell(System(tmp_path), Updating("refused", reason="a\nb\x1b[2J" + "x" * 9999))
    said = told(System(tmp_path))
    assert said
    assert said.words.startswith("refused: a b [2Jxx")
    assert len(said.words) < 400


def test_people_get_one_short_line() -> None:
    assert [said.words for said in SAID] == [
        "idle",
        "waiting: The scanner captures.",
        "fetching 3 of 17",
        "refused: The release has expired.",
    ]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"format": 2}', b'{"format": 1, "doing": "dance"}'])
def test_what_cannot_be_read_counts_as_silence(tmp_path: Path, raw: bytes) -> None:
    System(tmp_path).write(PLACE, raw)
    assert told(System(tmp_path)) is None


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    tell(System(tmp_path), SAID[0])
    assert told(System(tmp_path)) is None
