"""Start a build, end it at a moment, and tell what is left of it. A script of its own.

Every process that loses its parent becomes a child of this one: prctl(2), PR_SET_CHILD_SUBREAPER.
So nothing of the build can hide.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_SECONDS = 30


def end_build(
    argv: list[str], phase: str, delay: float, number: int, whole_group: bool
) -> dict[str, object]:
    """Run a build until so many seconds after a phase began, then send it a signal.

    Args:
        argv: the build; it must speak JSON.
        phase: what it tells as ``subject step``; "" is the very start.
        delay: seconds.
        number: of the signal.
        whole_group: send it to all processes of the group, as a terminal does.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    build = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert build.stdout is not None
    for line in build.stdout if phase else ():
        if _phase(line) == phase:
            break
    # What it goes on to say must not block it.
    threading.Thread(target=build.stdout.read, daemon=True).start()
    time.sleep(delay)
    was_alive = build.poll() is None
    if was_alive:
        (os.killpg if whole_group else os.kill)(build.pid, number)
    return {"alive": was_alive, "status": build.wait(), "left": _wait_for_orphans()}


def _phase(line: bytes) -> str:
    told = json.loads(line)
    return f"{told['subject']} {told['step']}" if told.get("event") == "StepStarted" else ""


def _wait_for_orphans() -> list[str]:
    """Command lines of the processes that do not end within the time given; they are killed."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)
        except ChildProcessError:
            return []
    left = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    lines = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in left]
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    return lines


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(end_build(**request)))
