"""The agent's own record on a card's root file system, for nodes that said nothing on FAT.

A node whose power was cut is read as it would find itself: with its journal replayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from autosetup.faults import Faulty
from autosetup.record import read_record
from autosetup.status import Status
from flasher.errors import FlasherError
from flasher.image.blocks import Blocks
from flasher.image.ext4 import Ext4Volume
from flasher.image.ext4_journal import replayed
from flasher.image.mbr import LINUX, Partition

# On the root file system, or on a partition for data, which a node mounts at /data.
_PLACES = ("var/lib/autosetup/state.json", "autosetup/state.json")


@dataclass(frozen=True, slots=True)
class Traces:
    """What a node left on its own file systems.

    Attributes:
        started: whether one of them was ever mounted.
        status: the last one in the agent's record; None where there is none that can be read.
    """

    started: bool = False
    status: Status | None = None


def read_traces(blocks: Blocks, partitions: Iterable[Partition]) -> Traces:
    """Look for them in every ext4 partition; what is damaged tells nothing."""
    started, status = False, None
    for partition in partitions:
        if partition.type != LINUX:
            continue
        with suppress(FlasherError):
            volume = open_volume(blocks, partition.offset)
            started = started or volume.mounts > 0
            status = _status(volume) or status
    return Traces(started, status)


def open_volume(blocks: Blocks, start: int) -> Ext4Volume:
    """The ext4 file system that begins there, as a mount would find it; raises `FlasherError`."""

    def read(offset: int, length: int) -> bytes:
        return blocks.read(start + offset, length)

    return Ext4Volume(replayed(read))


def _status(volume: Ext4Volume) -> Status | None:
    for place in _PLACES:
        inode = volume.find(place)
        if inode is not None:
            with suppress(Faulty):
                return read_record(volume.content(inode)).status
    return None
