"""Give what a step changed in a tree the time of its packages, in place of this computer's.

Runs as a script of its own (standard library only): the arguments are the layer's own tree, the
same seen through the layers below, the time to give and the time at which the step began, both in
seconds since 1970, UTC.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# File systems may tell a time that is a tick behind the clock's.
_TICK_SECONDS = 1


def settle(own: Path, merged: Path, epoch: int, begun: float) -> None:
    """Set the times of all that changed since `begun`, and of all that is newer than `epoch`."""
    for path in _paths(own):
        changed = path.lstat().st_mtime
        seen = merged / path.relative_to(own)
        if (changed >= begun - _TICK_SECONDS or changed > epoch) and os.path.lexists(seen):
            os.utime(seen, (epoch, epoch), follow_symlinks=False)


def _paths(top: Path) -> Iterator[Path]:
    yield top
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in (*folders, *files))


if __name__ == "__main__":
    settle(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
