"""A drive held open past the page cache: to be written, exclusively and surely the right one.

Or only to be read, which takes neither right nor reason to write.

Constants of ioctls after Linux's include/uapi/linux/fs.h.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from flasher.card.faults import card_faults
from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard
from flasher.drives.opening import open_drive
from flasher.errors import BadInput, FlasherError

BLOCK = 4 << 20
# The largest sector that drives have; what is aligned to it suits every one.
_SECTOR = 4096
_BLKFLSBUF = 0x1261
_FLUSH_EVERY = 32 << 20


class Target(Protocol):
    """What a card is written to and read back from.

    Offsets and lengths up to `BLOCK` bytes; whole sectors, but for the end.
    """

    @property
    def path(self) -> Path:
        """Device node or file."""
        ...

    @property
    def size(self) -> int:
        """Bytes it can hold."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """What is at `offset` on the card itself, not in a cache."""
        ...

    def flush(self) -> None:
        """Return when all that was written is on the card."""
        ...


class DriveTarget:
    """The target for a block device or a regular file; made by `open_target`, `open_for_reading`.

    Direct I/O where it can be had; elsewhere the caches are flushed and dropped as it goes.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        self._is_block = stat.S_ISBLK(found.st_mode)
        self._size = os.lseek(descriptor, 0, os.SEEK_END)
        # Direct I/O needs memory that starts at a page.
        self._buffer = mmap.mmap(-1, BLOCK)
        self._direct = False
        self._set_direct(wanted=True)
        self._can_direct = self._direct
        self._unflushed = 0

    @property
    def path(self) -> Path:
        """Device node or file."""
        return self._path

    @property
    def size(self) -> int:
        """Bytes it can hold."""
        return self._size

    @property
    def is_direct(self) -> bool:
        """Whether direct I/O can be had here."""
        return self._can_direct

    def write(self, offset: int, data: bytes) -> None:
        """Put up to `BLOCK` bytes at `offset`."""
        with card_faults(self._path, "writing"):
            self._aim(offset, len(data))
            self._buffer[: len(data)] = data
            done = 0
            while done < len(data):
                with memoryview(self._buffer) as view, view[done : len(data)] as part:
                    done += os.pwrite(self._descriptor, part, offset + done)
            self._unflushed += len(data)
            if not self._direct and self._unflushed >= _FLUSH_EVERY:
                self._drop_cache()

    def read(self, offset: int, length: int) -> bytes:
        """Up to `BLOCK` bytes as they are on the card itself."""
        with card_faults(self._path, "reading back"):
            self._aim(offset, length)
            if not self._direct:
                self._drop_cache()
            done = 0
            while done < length:
                with memoryview(self._buffer) as view, view[done:length] as part:
                    got = os.preadv(self._descriptor, [part], offset + done)
                if not got:
                    raise _ends(self._path, offset + done)
                done += got
            return self._buffer[:length]

    def flush(self) -> None:
        """Return when all that was written is on the card."""
        with card_faults(self._path, "writing"):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Let the drive go."""
        self._buffer.close()
        os.close(self._descriptor)

    def _aim(self, offset: int, length: int) -> None:
        """Direct I/O takes whole sectors only; the odd end of a file goes the other way."""
        self._set_direct(wanted=self._can_direct_at(offset, length))

    def _can_direct_at(self, offset: int, length: int) -> bool:
        return self._can_direct and offset % _SECTOR == 0 and length % _SECTOR == 0

    def _set_direct(self, *, wanted: bool) -> None:
        if wanted == self._direct:
            return
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL) & ~os.O_DIRECT
        with suppress(OSError):  # some file systems have none
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | (os.O_DIRECT if wanted else 0))
            self._direct = wanted

    def _drop_cache(self) -> None:
        self._unflushed = 0
        os.fdatasync(self._descriptor)
        if self._is_block:
            with suppress(OSError):  # takes a right that the owner of a device may lack
                fcntl.ioctl(self._descriptor, _BLKFLSBUF, 0)
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _ends(path: Path, offset: int) -> FlasherError:
    what = f"{path} ends at byte {offset}, before the size that it announces."
    return FlasherError("card-too-small", what, "Take another card: this one is counterfeit.")


@contextmanager
def open_target(drive: Drive, needed: int = 0) -> Iterator[DriveTarget]:
    """Hold a drive exclusively, after looking at it once more.

    Args:
        drive: as it was chosen.
        needed: bytes that it must have.

    Raises:
        Refused: it may not be written, or another program uses it.
        BadInput: it is too small or no longer there.
        FlasherError: it is locked, or another card is in it than was chosen.
        EnvironmentLacks: you may not open it.
    """
    guard(drive)
    now = guard(find_drive(str(drive.path)))
    _check_same(drive, now)
    if now.read_only:
        what = f"The card in {now.path} is write-protected."
        raise FlasherError("card-read-only", what, "Slide the lock on its side, or take another.")
    _check_size(now, needed)
    with card_faults(now.path, "opening it"):
        target = DriveTarget(now.path, open_drive(now))
    try:
        _check_same(now, find_drive(str(now.path)))
        yield target
    finally:
        target.close()


@contextmanager
def open_for_reading(drive: Drive, needed: int = 0) -> Iterator[DriveTarget]:
    """Hold a drive open to be read, be it write-protected or in use.

    Args:
        drive: as it was found.
        needed: bytes that it must have.

    Raises:
        BadInput: it is too small.
        FlasherError: it is no longer there.
        EnvironmentLacks: you may not open it.
    """
    _check_size(drive, needed)
    with card_faults(drive.path, "opening it"):
        target = DriveTarget(drive.path, open_drive(drive, writable=False))
    try:
        yield target
    finally:
        target.close()


def _check_size(drive: Drive, needed: int) -> None:
    if drive.size < needed:
        what = f"{drive.path} is too small: it has {drive.size} bytes, {needed} are needed."
        raise BadInput("card-too-small", what, "Take a larger card.")


def _check_same(chosen: Drive, found: Drive) -> None:
    if (chosen.identity or found.identity, chosen.size) != (found.identity, found.size):
        what = f"There is another card in {chosen.path} than the one that was chosen."
        raise FlasherError("card-exchanged", what, "Choose the drive again.")
