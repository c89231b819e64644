"""A repository on a stick: the folder ``flasher-repository`` of a partition that is plugged in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autosetup.system import System
from autosetup.update.store import Folder

FOLDER = "flasher-repository"
# What sticks are made with, and how each is mounted without a byte written to it.
_MOUNTED_AS = {"vfat": "", "exfat": "", "ext4": ",noload"}
_OPTIONS = "ro,nosuid,nodev,noexec"
_COLUMNS = "PATH,FSTYPE,HOTPLUG,MOUNTPOINTS"
_LIST_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Partition:
    """A file system that is plugged in, and where it is mounted already."""

    device: str
    kind: str
    mounted: tuple[str, ...] = ()


def plugged_in(system: System) -> list[Partition]:
    """The partitions that can be pulled out, this node's own card among them."""
    argv = ["lsblk", "--json", "--list", "--output", _COLUMNS]
    listed = system.run(argv, seconds=_LIST_SECONDS)
    if listed.status != 0:
        return []
    rows = json.loads(listed.output)["blockdevices"]
    return [
        Partition(row["path"], row["fstype"], tuple(filter(None, row["mountpoints"])))
        for row in rows
        if row["hotplug"] and row["fstype"] in _MOUNTED_AS
    ]


def sticks(
    system: System, partitions: Callable[[System], list[Partition]] = plugged_in
) -> Iterator[Folder]:
    """The repositories on sticks; each stays mounted until the next one is asked for."""
    for partition in partitions(system):
        name = f"the stick {Path(partition.device).name}"
        with _mounted(system, partition) as places:
            for place in places:
                if (found := Path(place) / FOLDER).is_dir():
                    yield Folder(found, name)


@contextmanager
def _mounted(system: System, partition: Partition) -> Iterator[tuple[str, ...]]:
    """Where a partition can be read; nowhere where it cannot."""
    if partition.mounted:
        yield partition.mounted
        return
    with tempfile.TemporaryDirectory(prefix="autosetup-stick-") as place:
        options = f"{_OPTIONS}{_MOUNTED_AS[partition.kind]}"
        argv = ["mount", "-t", partition.kind, "-o", options, partition.device, place]
        if system.run(argv).status != 0:
            yield ()
            return
        try:
            yield (place,)
        finally:
            system.run(["umount", "--lazy", place])
