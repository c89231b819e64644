"""The program as people run it, in a process of its own: a command line in, JSON out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def flasher(*argv: str | Path, keep: Sequence[int] = ()) -> tuple[int, dict[str, object]]:
    """Run the program; its exit status and the last JSON object that is not progress.

    It has the descriptors in `keep`, too.
    """
    status, told = all_told(*argv, keep=keep)
    return status, told[-1]


def all_told(*argv: str | Path, keep: Sequence[int] = ()) -> tuple[int, list[dict[str, object]]]:
    """Run the program; its exit status and its JSON objects that are not progress."""
    done = subprocess.run(
        [sys.executable, "-m", "flasher", *map(str, argv), "--json"],
        capture_output=True,
        text=True,
        pass_fds=keep,
    )
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [found for found in objects if found["kind"] != "progress"]
