"""No update in a capture, and no capture in an update: locks of flock(2), as anybody takes them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autosetup.errors import AgentError
from autosetup.system import System
from autosetup.update.capture import PLACE, no_capture


@contextmanager
def capturing(root: Path, how: int) -> Iterator[None]:
    """What the scanner's software does; see docs/updates.md."""
    path = root / PLACE.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
        yield


@pytest.mark.parametrize("how", [fcntl.LOCK_SH, fcntl.LOCK_EX])
def test_while_somebody_captures_no_update_begins(tmp_path: Path, how: int) -> None:
    with capturing(tmp_path, how):
        with pytest.raises(AgentError, match="captures") as raised, no_capture(System(tmp_path), 0):
            pass
        assert raised.value.code == "capturing"
    with no_capture(System(tmp_path), 0):
        pass


@pytest.mark.parametrize("how", [fcntl.LOCK_SH, fcntl.LOCK_EX])
def test_within_an_update_nobody_captures(tmp_path: Path, how: int) -> None:
    with (
        no_capture(System(tmp_path), 0),
        pytest.raises(BlockingIOError),
        capturing(tmp_path, how),
    ):
        pass
    with capturing(tmp_path, how):
        pass


def test_the_end_of_a_capture_is_waited_for(tmp_path: Path) -> None:
    waits: list[float] = []
    capture = capturing(tmp_path, fcntl.LOCK_SH)
    capture.__enter__()

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            capture.__exit__(None, None, None)

    with no_capture(System(tmp_path), 3600, pause):
        assert len(waits) == 3


def test_everybody_may_lock_it_and_what_is_no_file_is_put_away(tmp_path: Path) -> None:
    path = tmp_path / PLACE.lstrip("/")
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "elsewhere")
    with no_capture(System(tmp_path), 0):
        pass
    assert not (tmp_path / "elsewhere").exists()
    assert path.stat().st_mode & 0o777 == 0o666
    path.unlink()
    os.mkfifo(path)
    with no_capture(System(tmp_path), 0):
        pass
    assert path.is_file()
