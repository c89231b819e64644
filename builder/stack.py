"""What an overlay of trees shows at a path, told without mounting it.

The rules are those of <https://docs.kernel.org/filesystems/overlayfs.html>: the topmost version of
a name counts, a whiteout (a character device 0/0) hides it, and a folder marked opaque hides what
lies in the same folder below.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

_OPAQUE = "user.overlay.opaque"


def find_in_stack(trees: Iterable[Path], path: str) -> Path | None:
    """The file that is seen at a path, links not followed; None where there is none.

    Args:
        trees: topmost first.
        path: absolute in the trees, or relative to their roots.
    """
    relative = PurePosixPath(path.lstrip("/"))
    for tree in trees:
        found = tree / relative
        if os.path.lexists(found):
            return None if _is_whiteout(found) else found
        if any(_hides_below(tree / parent) for parent in relative.parents):
            return None
    return None


def _is_whiteout(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _hides_below(folder: Path) -> bool:
    """Whether what is here in one tree hides the same folder of the trees below."""
    if not os.path.lexists(folder):
        return False
    if folder.is_symlink() or not folder.is_dir():
        return True
    return _OPAQUE in os.listxattr(folder)
