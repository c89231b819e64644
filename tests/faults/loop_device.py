"""A loop device over an open file, which goes when its last user has let it go.

Ioctls and ``struct loop_config`` after Linux's include/uapi/linux/loop.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

_CONFIGURE, _SET_CAPACITY, _GET_FREE = 0x4C0A, 0x4C07, 0x4C82
_AUTOCLEAR, _DIRECT_IO = 4, 16
_CONFIG = struct.Struct("=II52xI64s112x64x")  # file, block size, flags, name


class LoopDevice:
    """A loop device that stands on a file; `file` stays the caller's.

    Opened by whoever makes it, so that it is cleared when that process ends, however it does, and
    no other uses it any more.
    """

    def __init__(self, file: int, name: str) -> None:
        while True:
            with Path("/dev/loop-control").open("rb") as control:
                number = fcntl.ioctl(control, _GET_FREE)
            self.path = Path(f"/dev/loop{number}")
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            config = _CONFIG.pack(file, 512, _AUTOCLEAR | _DIRECT_IO, name.encode())
            try:
                fcntl.ioctl(descriptor, _CONFIGURE, config)
            except OSError as error:
                if error.errno != errno.EBUSY:  # another was faster
                    raise
            else:
                # Held to be read only: who could write to it would be in the way of those who do.
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                return
            finally:
                os.close(descriptor)

    def resize(self) -> None:
        """Take the size that the file has by now."""
        fcntl.ioctl(self._descriptor, _SET_CAPACITY)
