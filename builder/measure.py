"""What a tree takes in file systems, from what find(1) tells of it: fast, however large it is."""

from __future__ import annotations

import os
from dataclasses import dataclass

BLOCK = 4096
_FAST_LINK = 60  # bytes of a symbolic link that ext4 keeps in the inode itself

# Kind, size, number of names, inode, last access, last change, path.
_FORMAT = r"%y %s %n %i %A@ %C@ %P\0"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a tree takes.

    Attributes:
        blocks: 4 KiB blocks, without those of what is in the boot folder.
        files: files and folders, without what is in the boot folder; several names of one file
            count once.
        oldest: the earliest access or change, seconds since 1970.
        boot: path relative to the boot folder and size of each file in it, sorted.
        boot_folders: the folders in it, sorted, so each after the one it lies in.
        boot_odd: what in it is neither, sorted: a FAT cannot hold it.
    """

    blocks: int
    files: int
    oldest: int
    boot: tuple[tuple[str, int], ...]
    boot_folders: tuple[str, ...]
    boot_odd: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of find's, its times in whole seconds."""

    kind: str
    size: int
    names: int
    inode: int
    accessed: int
    changed: int
    path: str

    @property
    def blocks(self) -> int:
        if self.kind in "fd":
            return -(-self.size // BLOCK)
        return int(self.kind == "l" and self.size >= _FAST_LINK)


def find_arguments(tree: str) -> tuple[str, ...]:
    """The command line whose output `measure` reads."""
    return ("find", tree, "-printf", _FORMAT)


def measure(told: bytes, boot: str) -> Measure:
    """Measure a tree.

    Args:
        told: output of `find_arguments`.
        boot: the boot folder, relative to the tree; it need not exist.
    """
    entries = [_parse(line) for line in os.fsdecode(told).split("\0")[:-1]]
    apart = [each for each in entries if each.path.startswith(f"{boot}/")]
    rest = {
        each.inode if each.names > 1 and each.kind != "d" else each.path: each
        for each in entries
        if not each.path.startswith(f"{boot}/")
    }
    names = sorted((each.path.removeprefix(f"{boot}/"), each) for each in apart)
    return Measure(
        blocks=sum(each.blocks for each in rest.values()),
        files=len(rest),
        oldest=min(min(each.accessed, each.changed) for each in entries),
        boot=tuple((name, each.size) for name, each in names if each.kind == "f"),
        boot_folders=tuple(name for name, each in names if each.kind == "d"),
        boot_odd=tuple(name for name, each in names if each.kind not in "fd"),
    )


def _parse(line: str) -> _Entry:
    kind, size, names, inode, accessed, changed, path = line.split(" ", 6)
    return _Entry(
        kind, int(size), int(names), int(inode), _seconds(accessed), _seconds(changed), path
    )


def _seconds(time: str) -> int:
    return int(time.partition(".")[0])
