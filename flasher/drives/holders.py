"""Which programs keep a drive busy: with open files, folders they work in, mapped files, mounts.

Reads ``/proc/PID/{fd,cwd,root,exe,maps,mountinfo}`` (proc(5)). Links are read and not followed, so
that a server that does not answer holds nobody up. Of programs that belong to others, an ordinary
user sees nothing.
"""

from __future__ import annotations

import os
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


def _name_space(process: Path) -> str:
    return _target(process / "ns/mnt")


def _name(process: Path) -> str:
    return plain(read_text(process / "comm")) or "a program"
