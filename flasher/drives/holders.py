"""Which programs keep a drive busy: with open files, folders they work in, mapped files, mounts.

Reads ``/proc/PID/{fd,fdinfo,cwd,root,exe,maps,mountinfo}`` (proc(5)). Links are read and not
followed, but to device nodes, so that a server that does not answer holds nobody up. Of programs
that belong to others, an ordinary user sees nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flasher.drives.tables import KERNEL, KernelTables, is_below, mounts, plain, read_text
from flasher.drives.usage import mounts_from


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that keeps something busy: its process id, its name, and with which path."""

    pid: int
    name: str
    path: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid}) has {plain(self.path)} open"


def holders_of(paths: Iterable[str], tables: KernelTables = KERNEL) -> tuple[Holder, ...]:
    """The programs that have a path open, or anything below it; each once, by process id."""
    places = tuple(paths)
    found = []
    for process in _processes(tables):
        used = (path for path in _paths_of(process) if any(is_below(path, p) for p in places))
        path = next(used, None)
        if path:
            found.append(Holder(int(process.name), _name(process), path))
    return tuple(found)


def mounted_by_others(devices: Iterable[str], tables: KernelTables = KERNEL) -> Holder | None:
    """A program in whose own name space something of devices, by their numbers, is mounted."""
    numbers = set(devices)
    seen = {_name_space(tables.proc / "self")}
    for process in _processes(tables):
        space = _name_space(process)
        if space and space not in seen:
            seen.add(space)
            for mount in mounts_from(numbers, mounts(tables, process.name)):
                return Holder(int(process.name), _name(process), plain(mount.place))
    return None


def writer_of(devices: Iterable[str], tables: KernelTables = KERNEL) -> Holder | None:
    """A program, not this one, that has a block device open for writing; by the devices' numbers.

    Who opened it thus before somebody held it exclusively may go on writing.
    """
    numbers = set(devices)
    for process in _processes(tables):
        if process.name == str(os.getpid()):
            continue
        for link in _entries(process / "fd"):
            if _node_number(link) in numbers and _is_for_writing(process / "fdinfo" / link.name):
                return Holder(int(process.name), _name(process), _target(link))
    return None


def _processes(tables: KernelTables) -> list[Path]:
    found = [path for path in tables.proc.iterdir() if path.name.isdigit()]
    return sorted(found, key=lambda path: int(path.name))


def _paths_of(process: Path) -> Iterator[str]:
    """Each path that a process uses, as its name space calls it."""
    links = [process / "cwd", process / "root", process / "exe"]
    for link in (*links, *_entries(process / "fd")):
        target = _target(link)
        if target.startswith("/"):
            yield target.removesuffix(" (deleted)")
    for line in read_text(process / "maps").splitlines():
        path = line.partition("/")[2]
        if path:
            yield f"/{path}".removesuffix(" (deleted)")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # ended meanwhile, or another user's
        return []


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115  (as it is: a path that is gone is no `Path`)
    except OSError:
        return ""


def _node_number(link: Path) -> str | None:
    """The number of the block device that an open file is; None for other files."""
    if not _target(link).startswith("/dev/"):
        return None
    try:
        found = link.stat()
    except OSError:
        return None
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return number if stat.S_ISBLK(found.st_mode) else None


def _is_for_writing(told: Path) -> bool:
    words = read_text(told).split()
    flags = int(words[words.index("flags:") + 1], 8) if "flags:" in words else os.O_RDONLY
    return flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR)


def _name_space(process: Path) -> str:
    return _target(process / "ns/mnt")


def _name(process: Path) -> str:
    return plain(read_text(process / "comm")) or "a program"
