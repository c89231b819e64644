"""What people see of long work."""

from __future__ import annotations

import io
import json
import re

import pytest

from flasher.bars import BarProgress
from flasher.console import Console
from flasher.errors import BadInput, Cancelled
from flasher.events import Noted, StepAdvanced, StepFinished, StepStarted
from flasher.progress import LineProgress, readable_seconds, readable_size


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_294_967_296, "4.3 GB"), (2e13, "20.0 TB")],
)
def test_sizes_read_as_those_printed_on_cards(count: float, said: str) -> None:
    assert readable_size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (42.4, "42 s"), (187, "3 min 07 s"), (3600, "60 min 00 s")],
)
def test_times_read_as_people_say_them(seconds: float, said: str) -> None:
    assert readable_seconds(seconds) == said


def test_a_log_gets_a_line_for_a_long_step_and_none_for_a_short_one() -> None:
    stream = io.StringIO()
    with LineProgress(stream) as emit:
        for subject, seconds in (("short", 0.1), ("long", 75.0)):
            emit(StepStarted(subject, "write", 10, "bytes"))
            emit(StepFinished(subject, "write", True, seconds))  # noqa: FBT003
    assert stream.getvalue() == "long: write: done (1 min 15 s)\n"


def test_a_failed_step_and_a_warning_are_never_swallowed() -> None:
    stream = io.StringIO()
    with LineProgress(stream) as emit:
        emit(StepStarted("card", "write", None, "bytes"))
        emit(Noted("card", "The card is slow.", warning=True))
        emit(StepFinished("card", "write", False, 0.1))  # noqa: FBT003
    assert stream.getvalue() == "card: The card is slow.\ncard: write: FAILED (0.1 s)\n"


def test_bars_leave_a_line_for_each_step_that_ended() -> None:
    stream = io.StringIO()
    with BarProgress(stream) as emit:
        emit(StepStarted("card", "write", 10, "bytes"))
        emit(StepAdvanced("card", "write", 5, 10))
        emit(Noted("card", "[bold]not markup[/bold]"))
        emit(StepFinished("card", "write", True, 3.0))  # noqa: FBT003
    assert "✓ card: write (3.0 s)" in stream.getvalue()


@pytest.mark.parametrize("columns", ["72", "80", "200"])
def test_a_bar_takes_one_line_however_long_the_note(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COLUMNS", columns), ("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    with BarProgress(stream) as emit:
        emit(StepStarted("debian", "build", 100, "steps"))
        emit(Noted("debian", "Unpacking libpython3.13-minimal:amd64 over what was there before"))
        emit(StepStarted("packages", "fetch", 10, "bytes"))  # then all bars are drawn anew
        emit(StepFinished("debian", "build", True, 3.0))  # noqa: FBT003
    lines = re.sub(r"\x1b\[[0-9;?]*\w", "", stream.getvalue()).replace("\r", "\n").splitlines()
    told = {line[:14] for line in lines if line.strip()}
    assert told == {"debian: build ", "packages: fetc", "✓ debian: buil"}


def test_json_is_one_versioned_object_a_line() -> None:
    out = io.StringIO()
    console = Console(out, io.StringIO(), as_json=True)
    with console.progress() as emit:
        emit(StepStarted("card", "write", 10, "bytes"))
    console.say("not for scripts")
    console.result("cards", {"cards": []})
    progress, result = map(json.loads, out.getvalue().splitlines())
    assert (progress["flasher"], progress["kind"], progress["event"]) == (
        1,
        "progress",
        "StepStarted",
    )
    assert result == {"flasher": 1, "kind": "cards", "cards": []}


def test_without_a_person_a_confirmation_is_refused_not_assumed() -> None:
    console = Console(io.StringIO(), io.StringIO())
    with pytest.raises(BadInput):
        console.confirm("All of it will be lost.", yes=False)
    console.confirm("All of it will be lost.", yes=True)


def test_the_end_of_input_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(Cancelled):
        Console(io.StringIO(), io.StringIO()).ask("Next? ")
