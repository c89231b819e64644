"""What the loop devices stand on: files, or other block devices.

The ioctl and its ``struct loop_info64`` are in Linux's include/uapi/linux/loop.h.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

_LOOP_GET_STATUS64 = 0x4C05
_INFO_SIZE = 232
# Seconds. The kernel asks the file behind the device, whose file system may answer never.
_PATIENCE = 2.0
_HEAD = struct.Struct("=QQQ")  # device and inode of the file; its number if it is itself a device

Inode = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop device in use.

    Attributes:
        name: kernel name, such as ``loop3``.
        inode: device and inode number of what it stands on, whatever that is called by now;
            None where it cannot be known.
        device: device number (``8:1``) of what it stands on; None where that is a regular file.
        path: what the kernel calls that; it may be of another name space, or removed.
    """

    name: str
    inode: Inode | None
    device: str | None
    path: str = ""


def loops(sys: Path, dev: Path) -> tuple[Loop, ...]:
    """All loop devices that stand on something, by name.

    Args:
        sys: where sysfs is.
        dev: where the device nodes are.
    """
    found = sorted((sys / "block").glob("loop*/loop/backing_file"))
    return tuple(_loop(backing, dev) for backing in found)


def inode_of(path: str | Path) -> Inode | None:
    """Device and inode number of a file; None where it is missing or out of reach."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def number_of(path: str | Path) -> str | None:
    """Device number of the node of a block device; None where `path` is something else."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return _number(found.st_rdev) if stat.S_ISBLK(found.st_mode) else None


def is_at_work(folder: Path) -> bool:
    """Whether requests wait for a disk, by its folder in sysfs: it may not even open, then."""
    try:
        return any(int(count) for count in (folder / "inflight").read_text().split())
    except OSError:
        return False


def _loop(backing: Path, dev: Path) -> Loop:
    """Ask the device itself: a path may be of another name space, or of a removed hard link."""
    name, path = backing.parent.parent.name, _path(backing)
    if is_at_work(backing.parent.parent):
        return Loop(name, inode_of(path), number_of(path), path)
    info = _status(dev / name)
    if info is None:
        return Loop(name, inode_of(path), number_of(path), path)
    device, inode, number = _HEAD.unpack_from(info)
    return Loop(name, (device, inode), _number(number) if number else None, path)


def _status(node: Path) -> bytes | None:
    """The device's own answer; None where it has none, or where what it stands on is stuck."""
    answers: list[bytes] = []

    def ask() -> None:
        with suppress(OSError), node.open("rb", buffering=0) as device:
            answers.append(fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(_INFO_SIZE)))

    asker = Thread(target=ask, daemon=True)
    asker.start()
    asker.join(_PATIENCE)
    return answers[0] if answers else None


def _path(backing: Path) -> str:
    try:
        return os.fsdecode(backing.read_bytes().removesuffix(b"\n"))
    except OSError:  # detached meanwhile
        return ""


def _number(device: int) -> str:
    return f"{os.major(device)}:{os.minor(device)}"
