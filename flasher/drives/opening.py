"""The one place where a drive is opened."""

from __future__ import annotations

import errno
import fcntl
import os

from flasher.drives.model import Drive


def open_drive(drive: Drive, *, writable: bool = True) -> int:
    """Open a drive; the descriptor is the caller's to close.

    Args:
        drive: a block device, or a regular file as a virtual card.
        writable: exclusively and for writing; else to be read, be it in use or not.

    Raises:
        OSError: as the kernel says; ``EBUSY`` where another program has it.
    """
    return _open_file(drive, writable) if drive.kind == "file" else _open_node(drive, writable)


def _open_node(drive: Drive, writable: bool) -> int:
    flags = os.O_RDWR | os.O_EXCL if writable else os.O_RDONLY
    return os.open(drive.path, flags | os.O_CLOEXEC)


def _open_file(drive: Drive, writable: bool) -> int:
    """`O_EXCL` says nothing on a file that is there: a lock takes its place."""
    descriptor = os.open(drive.path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
    try:
        if writable:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY)) from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
