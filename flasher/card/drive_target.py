"""A drive that is held open: read, written, flushed and discarded past the page cache.

Constants of ioctls after Linux's include/uapi/linux/fs.h.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

from flasher.card.memory import BLOCK
from flasher.drives.eject import let_go
from flasher.drives.faults import card_faults, explain, is_gone
from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange, chunks

# The largest sector that drives have; what is aligned to it suits every one.
_SECTOR = 4096
_BLKFLSBUF = 0x1261
_BLKDISCARD = 0x1277
_BLKGETDISKSEQ = 0x80081280
# Where direct I/O cannot be had, so much may be in the cache before it is flushed and dropped.
_CACHED_AT_MOST = 32 << 20
# A drive cannot be interrupted while it discards.
_DISCARD_AT_ONCE = 1 << 30
# Modes of fallocate(2), include/uapi/linux/falloc.h: the file keeps its size and gets a hole.
_PUNCH_HOLE = 0x01 | 0x02

_fallocate = ctypes.CDLL(None, use_errno=True).fallocate
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong)


class DriveTarget:
    """The target for a block device or a regular file; made by `open_target`, `open_for_reading`.

    Direct I/O where it can be had; elsewhere the caches are flushed and dropped as it goes.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._found = os.fstat(descriptor)
        self._is_block = stat.S_ISBLK(self._found.st_mode)
        self._size = os.lseek(descriptor, 0, os.SEEK_END)
        # Direct I/O needs memory that starts at a page.
        self._buffer = mmap.mmap(-1, BLOCK)
        self._direct = False
        self._set_direct(wanted=True)
        self._can_direct = self._direct
        self._can_discard = True
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

    @property
    def identity(self) -> str:
        """As `Drive.identity`, but of what is held open, whatever has its name by now."""
        found = self._found
        if not self._is_block:
            return f"{found.st_dev}:{found.st_ino}"
        number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
        try:
            packed = fcntl.ioctl(self._descriptor, _BLKGETDISKSEQ, bytes(8))
        except OSError:  # kernels before 5.15 count no changes of cards
            return f"{number}#"
        return f"{number}#{struct.unpack('=Q', packed)[0]}"

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put up to `BLOCK` bytes at `offset`; a view must lie at a page's start."""
        with card_faults(self._path, "writing"):
            self._aim(offset, len(data))
            if isinstance(data, memoryview):
                self._write(offset, data)
            else:
                self._buffer[: len(data)] = data
                with memoryview(self._buffer) as view, view[: len(data)] as part:
                    self._write(offset, part)
            self._unflushed += len(data)
            if not self._direct and self._unflushed >= _CACHED_AT_MOST:
                self._drop_cache()

    def read(self, offset: int, length: int) -> bytes:
        """Up to `BLOCK` bytes as they are on the card itself."""
        with memoryview(self._buffer) as view, view[:length] as part:
            self.read_into(offset, part)
        return self._buffer[:length]

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill a buffer that lies at a page's start with what is on the card itself."""
        with card_faults(self._path, "reading back"):
            self._aim(offset, len(buffer))
            if not self._direct:
                self._drop_cache()
            done = 0
            while done < len(buffer):
                with buffer[done:] as part:
                    got = os.preadv(self._descriptor, [part], offset + done)
                if not got:
                    raise _ends(self._path, offset + done)
                done += got

    def flush(self) -> None:
        """Return when all that was written is on the card."""
        with card_faults(self._path, "writing"):
            os.fsync(self._descriptor)

    def discard(self, where: ByteRange) -> bool:
        """Tell the drive that nothing is kept there; False where it cannot be told."""
        first = -(-where.offset // _SECTOR) * _SECTOR
        length = where.end // _SECTOR * _SECTOR - first
        if length <= 0 or not self._can_discard:
            return self._can_discard
        try:
            for part in chunks([ByteRange(first, length)], _DISCARD_AT_ONCE):
                self._discard(part)
        except OSError:  # whatever it is: a card is as right without
            self._can_discard = False
        return self._can_discard

    def let_go(self) -> bool:
        """Have the reader give the card back, flushed; False where it cannot."""
        self.flush()
        return let_go(self._descriptor)

    def close(self) -> None:
        """Let the drive go."""
        self._buffer.close()
        os.close(self._descriptor)

    def _write(self, offset: int, data: memoryview) -> None:
        done = 0
        while done < len(data):
            with data[done:] as part:
                done += os.pwrite(self._descriptor, part, offset + done)

    def _discard(self, part: ByteRange) -> None:
        if self._is_block:
            request = struct.pack("=QQ", part.offset, part.length)
            fcntl.ioctl(self._descriptor, _BLKDISCARD, request)
        elif _fallocate(self._descriptor, _PUNCH_HOLE, part.offset, part.length):
            raise OSError(ctypes.get_errno(), "no holes here")

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
    if is_gone(path):
        return explain(OSError(errno.ENOMEDIUM, ""), path, "reading back")
    what = f"{path} ends at byte {offset}, before the size that it announces."
    return FlasherError("card-too-small", what, "Take another card: this one is counterfeit.")
