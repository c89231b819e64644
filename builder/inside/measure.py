"""Measure a tree as file systems will hold it.

Runs as a script of its own (standard library only): the arguments are the tree, and the folder in
it that becomes the boot partition. It prints a `Measure` as JSON.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import asdict, dataclass, field

BLOCK = 4096
_FAST_LINK = 60  # bytes of a symbolic link that ext4 keeps in the inode itself


@dataclass(slots=True)
class Measure:
    """What a tree takes.

    Attributes:
        blocks: 4 KiB blocks, without those of what is in the boot folder.
        files: files and folders, without what is in the boot folder; several names of one file
            count once.
        oldest: the earliest access or change, seconds since 1970.
        boot: path relative to the boot folder and size of each file in it, sorted.
        boot_folders: the folders in it, sorted, each after the one it lies in.
        boot_odd: what in it is neither, sorted: a FAT cannot hold it.
    """

    blocks: int = 0
    files: int = 0
    oldest: int = 1 << 62
    boot: list[tuple[str, int]] = field(default_factory=list)
    boot_folders: list[str] = field(default_factory=list)
    boot_odd: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, raw: bytes) -> Measure:
        """Read what the script printed."""
        return cls(**json.loads(raw))


def measure(root: str, boot: str) -> Measure:
    """Measure the tree at `root`, with a boot folder at `boot`, which need not exist."""
    result, links = Measure(), set[int]()
    _count(result, os.lstat(root), links)
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 - half a million times
            status = os.lstat(path)
            if path.startswith(f"{boot}/"):
                _count_boot(result, path.removeprefix(f"{boot}/"), status)
            else:
                _count(result, status, links)
    for listed in (result.boot, result.boot_folders, result.boot_odd):
        listed.sort()
    return result


def _count(result: Measure, status: os.stat_result, links: set[int]) -> None:
    result.oldest = min(result.oldest, int(status.st_atime), int(status.st_ctime))
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
        if status.st_ino in links:
            return
        links.add(status.st_ino)
    result.files += 1
    result.blocks += _blocks(status)


def _count_boot(result: Measure, name: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        result.boot.append((name, status.st_size))
    elif stat.S_ISDIR(status.st_mode):
        result.boot_folders.append(name)
    else:
        result.boot_odd.append(name)


def _blocks(status: os.stat_result) -> int:
    if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
        return -(-status.st_size // BLOCK)
    return int(stat.S_ISLNK(status.st_mode) and status.st_size >= _FAST_LINK)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure(sys.argv[1], sys.argv[2]))))
