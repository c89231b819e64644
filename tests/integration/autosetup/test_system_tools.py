"""The door to other programs, and the unit that starts the agent."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from autosetup.errors import AgentError
from autosetup.system import System

ASSETS = Path(__file__).parents[3] / "assets"


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


def test_secrets_go_by_standard_input() -> None:
    assert System().must(["cat"], stdin=b"hunter22") == "hunter22"


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(AgentError, match=r"sh failed \(3\): no such luck"):
        System().must(["sh", "-c", "echo no such luck; exit 3"])


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    text = (ASSETS / "layers/agent/autosetup.service").read_text()
    unit = tmp_path / "autosetup.service"
    unit.write_text(text.replace("/usr/bin/autosetup", "/bin/true"))
    verified = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in verified.stderr.splitlines() if "autosetup" in line]
    assert (verified.returncode, told) == (0, [])
