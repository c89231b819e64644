"""The one place where a drive is opened: by its node where you may, through udisks2 where not."""

from __future__ import annotations

import errno
import fcntl
import os
from functools import partial
from pathlib import Path

from flasher.drives.model import Drive
from flasher.image.blocks import FileBlocks


def open_drive(drive: Drive, *, writable: bool = True) -> int:
    """Open a drive; the descriptor is the caller's to close.

    Args:
        drive: a block device, or a regular file as a virtual card.
        writable: exclusively and for writing; else to be read, be it in use or not.

    Raises:
        OSError: as the kernel says; ``EBUSY`` where another program has it.
        EnvironmentLacks: you may not open it, and udisks2 does not do it for you.
        Cancelled: you were asked to prove yourself to udisks2, and did not.
    """
    try:
        return _open_file(drive, writable) if drive.kind == "file" else _open_node(drive, writable)
    except PermissionError:
        if drive.kind == "file" or os.geteuid() == 0:
            raise
    from flasher.drives.udisks import open_device

    return open_device(drive.path, writable=writable)


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


def drive_blocks(path: Path, *, ask: bool = True) -> FileBlocks:
    """A drive, or a file that stands for one, to be read.

    Args:
        path: a regular file, or the node of a block device.
        ask: let polkit ask for a password where it wants one.

    Raises:
        BadInput: it cannot be opened.
        EnvironmentLacks, Cancelled: as `open_drive`.
    """
    return FileBlocks(path, opener=partial(_open_to_read, ask=ask))


def _open_to_read(path: Path, flags: int, *, ask: bool) -> int:
    try:
        return os.open(path, flags)
    except PermissionError:
        if os.geteuid() == 0 or not path.is_block_device():
            raise
    from flasher.drives.udisks import open_device

    return open_device(path, writable=False, ask=ask)
