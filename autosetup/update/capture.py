"""Never in a capture: a lock that the scanner's software holds while it takes pictures.

Whoever captures holds a lock of flock(2) on the file `PLACE`, shared or exclusive; while anybody
does, nothing of an update is applied, and while an update is applied nobody gets it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from autosetup.errors import AgentError
from autosetup.system import System

PLACE = "/run/lock/autosetup-capture"
_POLL_SECONDS = 1.0
# Everybody may lock it; there is nothing in it.
_MODE = 0o666
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def no_capture(
    system: System, seconds: float, pause: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Wait until nobody captures, and let nobody begin within the block.

    Args:
        system: the node.
        seconds: how long to wait at most; 0 asks once.
        pause: waits for some seconds.

    Raises:
        AgentError: ``capturing``, somebody still captures.
    """
    descriptor = _opened(system)
    try:
        until = time.monotonic() + seconds
        while not _is_ours(descriptor):
            if time.monotonic() >= until:
                what = f"The scanner's software captures: it holds {PLACE}."
                raise AgentError("capturing", what, "Wait for its end; the node looks again.")
            pause(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _is_ours(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _opened(system: System) -> int:
    """The file, made if need be; one that is no plain file is put out of the way.

    It lies where everybody may write, and the kernel keeps root from opening another's file there
    with O_CREAT (fs.protected_regular).
    """
    path = system.path(PLACE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
    with suppress(FileExistsError):
        made = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, _MODE)
        os.fchmod(made, _MODE)  # whatever the umask
        return made
    return os.open(path, _OPEN)
