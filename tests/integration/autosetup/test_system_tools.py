"""The door to other programs, and the console."""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import time
from pathlib import Path

import pytest

from autosetup.errors import AgentError
from autosetup.outlets import Outlets
from autosetup.status import Status
from autosetup.system import System, draft_of, replace_file


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_program_that_takes_too_long_dies_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    script = f"sleep 600 & echo $! $$ > {note}; wait"
    finished = System().run(["sh", "-c", script], seconds=0.5)
    assert finished.status is None
    pids = [int(pid) for pid in note.read_text().split()]
    end = time.monotonic() + 5
    while any(map(is_alive, pids)):
        assert time.monotonic() < end
        os.sched_yield()


def test_a_program_left_in_the_background_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    finished = System().run(["sh", "-c", f"sleep 600 & echo $! > {note}; echo on"], seconds=5)
    os.kill(int(note.read_text()), 9)
    assert (finished.status, finished.output) == (0, "on\n")


def test_a_program_that_prints_without_end_fills_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    script = "head -c 200000000 /dev/zero | tr '\\0' '\\n'; echo the last; echo words"
    finished = System().run(["sh", "-c", script], seconds=60)
    assert finished.output.startswith("[...]\n\n")
    assert finished.output.endswith("\nthe last\nwords\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # in KiB


def test_a_pipe_that_lies_where_a_file_is_to_be_written_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(draft_of(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        replace_file(tmp_path / "file", b"x")
    replace_file(tmp_path / "file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_secrets_go_by_standard_input() -> None:
    assert System().must(["cat"], stdin=b"hunter22") == "hunter22"


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(AgentError, match=r"sh failed \(3\): no such luck"):
        System().must(["sh", "-c", "echo no such luck; exit 3"])


def test_whoever_comes_to_a_console_reads_the_state_above_the_login_prompt(tmp_path: Path) -> None:
    """Agetty is the judge: it has a meaning for letters behind a backslash."""
    issue = tmp_path / "issue.d/autosetup.issue"
    outlets = Outlets(None, tmp_path, issue=issue, sink=lambda _: None)
    outlets.announce(
        Status("failed", node="cam-1", code="x", reason="No \\n in C:\\dir.", hint="-")
    )
    leader, follower = pty.openpty()
    try:
        argv = ["/sbin/agetty", "--show-issue", "--issue-file", str(issue)]
        told = subprocess.run(argv, stdin=follower, capture_output=True, text=True, check=True)
    finally:
        os.close(leader)
        os.close(follower)
    assert "No \\n in C:\\dir." in told.stdout
    assert told.stdout.startswith("autosetup: ")
