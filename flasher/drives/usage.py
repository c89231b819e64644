"""Who uses a block device, through any chain: partitions, LVM, RAID, encryption, loops, mounts.

Reads the kernel's own tables (``/sys``, ``/proc/self/mountinfo``, ``/proc/swaps``), whose formats
are in Linux's Documentation/ABI and proc(5). Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flasher.drives.loops import Inode, inode_of, loops, number_of

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


def why_in_use(
    name: str, tables: KernelTables = KERNEL, besides: frozenset[str] = frozenset()
) -> str | None:
    """Why a disk, or what it stands on, is in use, as a phrase; None where it is not.

    Args:
        name: the kernel's, such as ``sda``.
        tables: where the kernel tells.
        besides: loop devices that do not count.
    """
    family = sorted(_family(name, tables))
    numbers = {_read(folder / "dev"): folder.name for folder in family}
    for mount in mounts(tables):
        if mount.device in numbers or _number_of(mount.source) in numbers:
            return f"it is in use: mounted at {mount.place}"
    for source in _swaps(tables):
        if _number_of(source) in numbers:
            return f"it is in use: {source} is swap space"
    upon = _why_built_upon(numbers, family, tables, besides)
    return upon or _why_below(name, tables, besides | {name})


def why_file_in_use(path: Path, tables: KernelTables = KERNEL) -> str | None:
    """Why a regular file is in use: as a loop device or as swap; None where it is not."""
    return _why_inode_in_use(inode_of(path), tables, frozenset())


def disk_below(name: str, tables: KernelTables = KERNEL) -> str | None:
    """The whole disk that a loop device stands on; None for other disks, and on files."""
    numbers = [one.device for one in loops(tables.sys, tables.dev) if one.name == name]
    for folder in _children(tables.sys / "class/block"):
        if _read(folder / "dev") in numbers:
            found = folder.resolve()
            return found.parent.name if (found / "partition").exists() else found.name
    return None


def _why_built_upon(
    numbers: dict[str, str], family: list[Path], tables: KernelTables, besides: frozenset[str]
) -> str | None:
    """What is made of a family's devices, in use or not; `numbers` are their names by number."""
    for folder in family:
        for holder in _children(folder / "holders"):
            return f"it is in use: {folder.name} is a part of {_dm_name(holder)}"
    for volume in sorted((tables.sys / "fs/btrfs").glob("*/devices/*")):
        if volume.name in numbers.values():
            return "it is in use: a part of a mounted btrfs volume"
    for loop in loops(tables.sys, tables.dev):
        if loop.device in numbers and loop.name not in besides:
            return f"it is in use: as /dev/{loop.name}"
    return None


def _why_below(name: str, tables: KernelTables, besides: frozenset[str]) -> str | None:
    """Why that is in use which a loop device stands on; None for other disks."""
    disk = disk_below(name, tables)
    if disk is not None:
        why = why_in_use(disk, tables, besides)
        return f"it stands on /dev/{disk}: {why}" if why else None
    inodes = [one.inode for one in loops(tables.sys, tables.dev) if one.name == name]
    why = _why_inode_in_use(inodes[0], tables, besides) if inodes else None
    return f"it stands on a file: {why}" if why else None


def _why_inode_in_use(
    inode: Inode | None, tables: KernelTables, besides: frozenset[str]
) -> str | None:
    if inode is None:
        return None
    for loop in loops(tables.sys, tables.dev):
        if loop.inode == inode and loop.name not in besides:
            return f"it is in use: as /dev/{loop.name}"
    if inode in [inode_of(source) for source in _swaps(tables)]:
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
    return number_of(source) if source.startswith("/") else None


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
