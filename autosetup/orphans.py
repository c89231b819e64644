"""Programs that others left behind: killed with whoever started them, wherever they hid.

A process group or a session can be left, and with a double fork the parent too; the agent, once it
adopts orphans, is the parent of them all (prctl(2), PR_SET_CHILD_SUBREAPER).
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# linux/prctl.h
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37
_PROC = Path("/proc")
# One that forks as fast as it is killed, or hangs in the kernel, is left to the service manager.
_MOST_ROUNDS, _ROUND_SECONDS = 500, 0.01


def adopt_orphans() -> None:
    """Become the parent of whatever our programs leave behind, and answer for it."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans() -> int:
    """Kill all that descends from this process, if it adopts orphans; gives how many there were.

    To be called while no child of our own is wanted any more.
    """
    ended: set[int] = set()
    for _ in range(_MOST_ROUNDS if _adopts() else 0):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        for pid in _descendants():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
        time.sleep(_ROUND_SECONDS)
    return len(ended)


def _adopts() -> bool:
    answer = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


def _descendants() -> list[int]:
    """Those that live, children before grandchildren: whoever is killed first starts no more."""
    parents = dict(filter(None, map(_parent, _PROC.glob("[0-9]*/stat"))))
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _parent(stat: Path) -> tuple[int, int] | None:
    """A process and its parent, from proc_pid_stat(5); None for one that is dead."""
    try:
        pid, _, rest = stat.read_text(errors="replace").partition(" (")
    except OSError:
        return None
    state, parent = rest.rpartition(") ")[2].split()[:2]
    return None if state in "ZX" else (int(pid), int(parent))
