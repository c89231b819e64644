"""Who uses a block device, through any chain: partitions, LVM, RAID, encryption, mounts, swap.

Reads the kernel's own tables (``/sys``, ``/proc/self/mountinfo``, ``/proc/swaps``), whose formats
are in Linux's Documentation/ABI and proc(5). Changes nothing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class KernelTables:
    """Where the kernel tells; other places only for tests."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")


KERNEL = KernelTables()


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: device number (``8:1``), where, and its source as mount names it."""

    device: str
    place: str
    source: str


def why_in_use(name: str, tables: KernelTables = KERNEL) -> str | None:
    """Why a disk (kernel name, such as ``sda``) is in use, as a phrase; None where it is not."""
    family = sorted(_family(name, tables))
    numbers = {_read(folder / "dev"): folder.name for folder in family}
    for mount in mounts(tables):
        if mount.device in numbers or _number_of(mount.source) in numbers:
            return f"it is in use: mounted at {mount.place}"
    for source in _swaps(tables):
        if _number_of(source) in numbers:
            return f"it is in use: {source} is swap space"
    for folder in family:
        for holder in _children(folder / "holders"):
            return f"it is in use: {folder.name} is a part of {_dm_name(holder)}"
    for volume in sorted((tables.sys / "fs/btrfs").glob("*/devices/*")):
        if volume.name in numbers.values():
            return "it is in use: a part of a mounted btrfs volume"
    return None


def why_file_in_use(path: Path, tables: KernelTables = KERNEL) -> str | None:
    """Why a regular file is in use: as a loop device or as swap; None where it is not."""
    resolved = str(path.resolve())
    for backing in sorted((tables.sys / "block").glob("loop*/loop/backing_file")):
        if _read(backing) == resolved:
            return f"it is in use: as /dev/{backing.parent.parent.name}"
    if resolved in _swaps(tables):
        return "it is in use: as swap space"
    return None


def mounts(tables: KernelTables = KERNEL) -> tuple[Mount, ...]:
    """All mounts that this process can see, bind mounts included."""
    found = []
    for line in _lines(tables.proc / "self/mountinfo"):
        fields = line.split(" ")
        tail = fields[fields.index("-") + 1 :]
        found.append(Mount(fields[2], _unescape(fields[4]), _unescape(tail[1])))
    return tuple(found)


def _swaps(tables: KernelTables) -> tuple[str, ...]:
    lines = list(_lines(tables.proc / "swaps"))[1:]
    return tuple(_unescape(line.split()[0]) for line in lines if line.strip())


def _family(name: str, tables: KernelTables) -> set[Path]:
    """The sysfs folders of a disk, its partitions, and all that is built upon them."""
    block = tables.sys / "class/block"
    waiting, found = [(block / name).resolve()], set[Path]()
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            waiting += [part.parent for part in folder.glob("*/partition")]
            waiting += [holder.resolve() for holder in _children(folder / "holders")]
    return found


def _dm_name(holder: Path) -> str:
    """What a holder is called: the name that LVM or cryptsetup gave it, else the kernel's."""
    return _read(holder.resolve() / "dm/name") or holder.name


def _number_of(source: str) -> str | None:
    """Device number of a device node; None where `source` is something else."""
    if not source.startswith("/"):
        return None
    try:
        found = Path(source).stat()
    except OSError:
        return None
    if not stat.S_ISBLK(found.st_mode):
        return None
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _lines(path: Path) -> Iterator[str]:
    return iter(_read(path).splitlines())


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
