"""The most disk that a build from nothing takes, against the tree that it makes.

    sudo .venv/bin/python bench/peak_disk.py FOLDER [ARCHITECTURE [RECIPE]]

Builds for amd64, and the recipe that ships, unless told otherwise: as it comes, and with
--packed-only. FOLDER must not exist and is gone afterwards; it needs 6 GB.

Each build has two disks of its own, files that are mounted: one for the packages it downloads,
which all builds of a store share, and one for everything else: layers, apt's lists, native tools,
drafts, the image and its set. What is taken of them is asked of the file systems twenty times a
second, so files that are open and deleted count as well, and none is seen twice while it moves.
The tree is what du tells of the layers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flasher.process import run

FLASHER = str(Path(sys.executable).with_name("flasher"))
_SIZE = "16G"  # sparse
_SECONDS = 0.05
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Peaks:
    """The most that was taken, in bytes.

    Attributes:
        proper: of all but the downloaded packages.
        whole: of both disks together.
    """

    proper: int = 0
    whole: int = 0


@contextmanager
def disk(backing: Path, folder: Path) -> Iterator[None]:
    """An empty file system in a new file, mounted on a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    run(["truncate", "--size", _SIZE, str(backing)])
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", str(backing)])
    run(["mount", "-o", "loop", str(backing), str(folder)])
    try:
        (folder / "lost+found").rmdir()
        yield
    finally:
        run(["umount", str(folder)])
        backing.unlink()


def taken(folder: Path) -> int:
    """Bytes taken of the folder's file system."""
    told = os.statvfs(folder)
    return (told.f_blocks - told.f_bfree) * told.f_frsize


def watch(build: subprocess.Popen[bytes], work: Path, pool: Path) -> Peaks:
    """Look at the two disks until the build has ended."""
    empty = Peaks(taken(work), taken(work) + taken(pool))
    most = empty
    while build.poll() is None:
        proper = taken(work)
        whole = proper + taken(pool)
        most = replace(most, proper=max(most.proper, proper), whole=max(most.whole, whole))
        time.sleep(_SECONDS)
    if build.returncode:
        sys.exit(build.returncode)
    return Peaks(most.proper - empty.proper, most.whole - empty.whole)


def size(*places: Path) -> int:
    """What du tells of files and folders, in bytes."""
    told = run(["du", "-s", "-B1", "--total", *map(str, places)]).text
    return int(told.splitlines()[-1].split()[0])


def measure(folder: Path, what: Sequence[str], options: Sequence[str]) -> None:
    """Build once, and print what was seen."""
    work, store = folder / "work", folder / "work/cache/layers"
    with disk(folder / "work.ext4", work), disk(folder / "pool.ext4", store / "pool"):
        argv = [FLASHER, "build-base", *what, "--out", str(work / "out")]
        environment = {**os.environ, "FLASHER_CACHE": str(work / "cache")}
        with subprocess.Popen([*argv, *options], env=environment) as build:
            peaks = watch(build, work, store / "pool")
        tree = size(*store.glob("*/tree"))
        packed = size(*(work / "out").glob("*.img.*"))
        parts = {
            "compressed": packed,
            "packages": size(store / "pool"),
            "lists": size(store / "apt"),
        }
        if not options:
            parts["image"] = size(*(work / "out").glob("*.img"))
    print(f"{' '.join(options) or 'as it comes'}, a tree of {tree // _MIB} MiB:")  # noqa: T201
    print(f"  peak without the downloaded packages {peaks.proper / tree:.2f} ×")  # noqa: T201
    print(f"  peak with them {peaks.whole / tree:.2f} ×")  # noqa: T201
    for what, bytes_ in parts.items():
        print(f"  in the end, {what} {bytes_ / tree:.2f} ×")  # noqa: T201


def main(folder: Path, architecture: str = "amd64", *recipe: str) -> None:
    """Measure both ways to build."""
    folder.mkdir()
    try:
        for options in ([], ["--packed-only"]):
            measure(folder, (*recipe, "--arch", architecture), options)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
