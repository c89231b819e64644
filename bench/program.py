"""The program, run as people run it; used by benches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_PASSPHRASE = b"bench bench bench bench"
_ASKED_BY = {("release", "init"), ("release", "new")}


def flasher(*words: str | Path) -> dict[str, object]:
    """Run a command to its end; gives its result. All keys have the same passphrase."""
    argv = [*map(str, words), "--json"]
    read, write = os.pipe()
    os.write(write, _PASSPHRASE + b"\n")
    os.close(write)
    if tuple(argv[:2]) in _ASKED_BY:
        argv += ["--passphrase-fd", str(read)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "flasher", *argv],
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[read],
            check=False,
        )
    finally:
        os.close(read)
    assert done.returncode == 0, done.stdout
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told
