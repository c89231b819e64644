"""Files replaced whole, events throttled, cancelling by a flag."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.errors import Cancelled
from flasher.events import CancelFlag, Event, StepAdvanced, StepFinished, check_cancelled, step
from flasher.files import replacing, write_atomic


def write_half(path: Path) -> None:
    path.write_text("half")
    raise OSError(28, "No space left on device")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    write_atomic(path, "old")
    with pytest.raises(OSError, match="No space"), replacing(path) as temporary:
        write_half(temporary)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    write_atomic(path, "hush", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_in_a_new_files_place_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch(mode=0o600)
    with pytest.raises(OSError, match="symbolic links"), replacing(tmp_path / "new") as temporary:
        temporary.symlink_to(other)
    assert other.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [other]


def test_a_step_reports_its_end_even_when_it_fails() -> None:
    events: list[Event] = []
    with pytest.raises(RuntimeError), step(events.append, "card", "write", 10):
        raise RuntimeError
    assert isinstance(events[-1], StepFinished)
    assert not events[-1].ok


def test_progress_is_throttled_but_the_last_word_always_comes() -> None:
    events: list[Event] = []
    with step(events.append, "card", "write", 10_000, "bytes") as progress:
        for _ in range(10_000):
            progress.advance(1)
    advanced = [event for event in events if isinstance(event, StepAdvanced)]
    assert len(advanced) < 100
    assert advanced[-1].done == 10_000


def test_a_set_flag_cancels() -> None:
    flag = CancelFlag()
    check_cancelled(flag, "Writing")
    flag.set()
    with pytest.raises(Cancelled):
        check_cancelled(flag, "Writing")
