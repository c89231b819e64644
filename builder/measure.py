"""What a tree takes in file systems, from what find(1) tells of it: fast, however large it is."""

from __future__ import annotations

import os
from dataclasses import dataclass

BLOCK = 4096
_FAST_LINK = 60  # bytes of a symbolic link that ext4 keeps in the inode itself

# Kind, size, number of names, inode, last access, last change, path.
_FORMAT = r"%y\0%s\0%n\0%i\0%A@\0%C@\0%P\0"
_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Measure:
    """What a tree takes.

    Attributes:
        boot_place: the boot folder, relative to the tree.
        blocks: 4 KiB blocks, without those of what is in the boot folder.
        files: files and folders, without what is in the boot folder; several names of one file
            count once.
        oldest: the earliest access or change, seconds since 1970.
        boot: path relative to the boot folder and size of each file in it, sorted.
        boot_folders: the folders in it, sorted, so each after the one it lies in.
        boot_odd: what in it is neither, sorted: a FAT cannot hold it.
        data_blocks, data_files: the same of the data folder, where that is measured apart.
    """

    boot_place: str
    blocks: int
    files: int
    oldest: int
    boot: tuple[tuple[str, int], ...]
    boot_folders: tuple[str, ...]
    boot_odd: tuple[str, ...]
    data_blocks: int = 0
    data_files: int = 0


def find_arguments(tree: str) -> tuple[str, ...]:
    """The command line whose output `measure` reads."""
    return ("find", tree, "-printf", _FORMAT)


def measure(told: bytes, *places: str, data: str | None = None) -> Measure:
    """Measure a tree.

    Args:
        told: output of `find_arguments`.
        places: where the boot folder may be, relative to the tree: it is the first with a
            config.txt, else the first of all, which need not exist.
        data: a folder that goes to a partition of its own, relative to the tree.
    """
    fields = os.fsdecode(told).split("\0")[:-1]
    kinds, sizes, names, inodes, *times, paths = (fields[at::_FIELDS] for at in range(_FIELDS))
    there = set(paths)
    boot = next((place for place in places if f"{place}/config.txt" in there), places[0])
    rest: dict[str, int] = {}
    kept: dict[str, int] = {}
    apart: list[tuple[str, str, int]] = []
    for kind, size, count, inode, path in zip(kinds, sizes, names, inodes, paths, strict=True):
        if path.startswith(f"{boot}/"):
            apart.append((path.removeprefix(f"{boot}/"), kind, int(size)))
        else:
            again = count != "1" and kind != "d"
            volume = kept if data and path.startswith(f"{data}/") else rest
            volume[inode if again else f"/{path}"] = _blocks(kind, int(size))
    apart.sort()
    return Measure(
        boot_place=boot,
        blocks=sum(rest.values()),
        files=len(rest),
        oldest=min(int(time.partition(".")[0]) for each in times for time in each),
        boot=tuple((name, size) for name, kind, size in apart if kind == "f"),
        boot_folders=tuple(name for name, kind, _ in apart if kind == "d"),
        boot_odd=tuple(name for name, kind, _ in apart if kind not in "fd"),
        data_blocks=sum(kept.values()),
        data_files=len(kept),
    )


def _blocks(kind: str, size: int) -> int:
    if kind in "fd":
        return -(-size // BLOCK)
    return int(kind == "l" and size >= _FAST_LINK)
