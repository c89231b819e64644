"""A file system with one file, served to the kernel without any library.

The root of the file system is the file itself, mounted upon another. Messages and numbers after
Linux's include/uapi/linux/fuse.h; little of the protocol is needed for so little.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MAX_WRITE = 1 << 20
_ROOM = MAX_WRITE + 4096
_IN = struct.Struct("=IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extension
_OUT = struct.Struct("=IiQ")
_READ_WRITE = struct.Struct("=QQII")  # handle, offset, size, flags
_FALLOCATE = struct.Struct("=QQQI")  # handle, offset, length, mode
_INIT_OUT = struct.Struct("=IIIIHHIIHH32x")
_ATTR_OUT = struct.Struct("=QIIQQQQQQIIIIIIIIII")
_GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _STATFS = 3, 4, 14, 15, 16, 17
_RELEASE, _FSYNC, _INIT, _FALLOC = 18, 20, 26, 43
_UNANSWERED = {2, 36, 42}  # forget, interrupt, forget many
_FLAGS = 1 << 0 | 1 << 5 | 1 << 15 | 1 << 22  # read ahead, big writes, direct at once, many pages
_LAST = 200  # a descriptor's number above all others
_DIRECT_IO = 1  # past the page cache: each request is the loop device's own
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 1 << 14, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


class Held(Exception):
    """Raised by a disk for a request that is not to be answered now; no error."""


class Disk(Protocol):
    """What the file holds. A request fails with the `OSError` that is raised, or waits: `Held`."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...

    def write(self, offset: int, data: memoryview) -> None: ...

    def flush(self) -> None: ...

    def discard(self, offset: int, length: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Request:
    opcode: int
    unique: int
    body: memoryview


class OneFile:
    """A mounted file. Its requests are served by whoever calls `serve`, one after the other.

    Args:
        disk: what is in it.
        place: a file, upon which it is mounted, in a name space that only this process has: the
            mount goes with the process, and no other sees it.

    Attributes:
        changed: notified of each request; to be held by whoever touches the disk.
    """

    def __init__(self, disk: Disk, place: Path) -> None:
        self._disk = disk
        self.changed = threading.Condition()
        self._held: list[_Request] = []
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        _check(_libc.unshare(_CLONE_NEWNS))
        _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
        options = f"fd={self._device},rootmode={stat.S_IFREG | 0o600:o},user_id=0,group_id=0"
        _check(_libc.mount(b"card", bytes(place), b"fuse", 0, options.encode()))

    def serve(self) -> None:
        """Answer until the kernel ends the connection."""
        room = bytearray(_ROOM)
        while True:
            try:
                length = os.readv(self._device, [room])
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                return
            _, opcode, unique, *_ = _IN.unpack_from(room)
            request = _Request(opcode, unique, memoryview(room)[_IN.size : length])
            if opcode not in _UNANSWERED:
                with self.changed:
                    self._serve(request)
                    self.changed.notify_all()

    def release(self) -> None:
        """Serve what was held, in the order in which it came."""
        with self.changed:
            held, self._held = self._held, []
            for request in held:
                self._serve(request)
            self.changed.notify_all()

    def close_last(self) -> None:
        """Be what this process opened last: of a killed process, the kernel closes that first.

        A loop device must not wait, while it is closed, for a file that seems to be served still.
        """
        device = fcntl.fcntl(self._device, fcntl.F_DUPFD_CLOEXEC, _LAST)
        self._device, former = device, self._device
        os.close(former)

    @property
    def held(self) -> int:
        """How many requests wait for their answer."""
        return len(self._held)

    def _serve(self, request: _Request) -> None:
        answer = _ANSWERS.get(request.opcode)
        number, data = errno.ENOSYS, b""
        try:
            if answer:
                number, data = 0, answer(self._disk, request.body)
        except Held:
            body = memoryview(bytes(request.body))
            self._held.append(_Request(request.opcode, request.unique, body))
            return
        except OSError as error:
            number = error.errno or errno.EIO
        head = _OUT.pack(_OUT.size + len(data), -number, request.unique)
        with suppress(FileNotFoundError):  # whoever asked was killed
            os.writev(self._device, [head, data])


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _init(_disk: Disk, body: memoryview) -> bytes:
    major, _minor, read_ahead, _flags = struct.unpack_from("=IIII", body)
    pages = MAX_WRITE // 4096
    return _INIT_OUT.pack(major, 31, read_ahead, _FLAGS, 64, 48, MAX_WRITE, 1, pages, 0)


def _attributes(disk: Disk, _body: memoryview) -> bytes:
    blocks = disk.size // 512
    times = (0,) * 6
    mode = stat.S_IFREG | 0o600
    return _ATTR_OUT.pack(0, 0, 0, 1, disk.size, blocks, *times, mode, 1, 0, 0, 0, 4096, 0)


def _read(disk: Disk, body: memoryview) -> bytes:
    _, offset, size, _ = _READ_WRITE.unpack_from(body)
    return disk.read(offset, size)


def _write(disk: Disk, body: memoryview) -> bytes:
    _, offset, size, _ = _READ_WRITE.unpack_from(body)
    disk.write(offset, body[40 : 40 + size])
    return struct.pack("=II", size, 0)


def _flush(disk: Disk, _body: memoryview) -> bytes:
    disk.flush()
    return b""


def _discard(disk: Disk, body: memoryview) -> bytes:
    _, offset, length, _mode = _FALLOCATE.unpack_from(body)
    disk.discard(offset, length)
    return b""


_ANSWERS: dict[int, Callable[[Disk, memoryview], bytes]] = {
    _INIT: _init,
    _GETATTR: _attributes,
    _SETATTR: _attributes,
    _OPEN: lambda _disk, _body: struct.pack("=QIi", 0, _DIRECT_IO, 0),
    _READ: _read,
    _WRITE: _write,
    _FSYNC: _flush,
    _RELEASE: lambda _disk, _body: b"",
    _STATFS: lambda _disk, _body: struct.pack("=QQQQQIIII24x", 1, 0, 0, 1, 0, 4096, 255, 4096, 0),
    _FALLOC: _discard,
}
