"""Move every access and change of files in some trees behind a given time; touch nothing else.

Runs as a script of its own (standard library only): the arguments are the time, in seconds since
1970, and the trees. Modification times, which belong to the files, stay what they are.
"""

from __future__ import annotations

import os
import sys
import time


def freshen(since: int, tree: str) -> None:
    """Freshen the files and folders of a tree, itself included."""
    now = time.time_ns()
    _freshen(since, now, tree)
    for folder, names, files in os.walk(tree):
        for name in (*names, *files):
            _freshen(since, now, os.path.join(folder, name))  # noqa: PTH118 - half a million times


def _freshen(since: int, now: int, path: str) -> None:
    status = os.lstat(path)
    if min(status.st_atime, status.st_ctime) < since:
        os.utime(path, ns=(now, status.st_mtime_ns), follow_symlinks=False)


if __name__ == "__main__":
    for argument in sys.argv[2:]:
        freshen(int(sys.argv[1]), argument)
