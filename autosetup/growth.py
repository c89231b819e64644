"""The card's last partition, and the file system in it, grown to the card's end while mounted.

A power cut is harmless at every moment: the partition table is one sector, ext4 grows under its
own journal, and the next boot goes on from what it finds. What cannot grow is said, never failed.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from autosetup.errors import AgentError
from autosetup.system import System

SECTOR = 512
# Where partitions end, like those that this project and common tools make.
_ALIGNMENT = (1 << 20) // SECTOR
_MIB = 1 << 20
# ext4 leaves out a last block group that has no room for its own tables, so the end stays a little
# open; and less than this is not worth a write to the partition table.
_WORTH = 16 * _MIB

# The table: four entries of 16 bytes; type in byte 4, start and length (sectors) in 8 and 12.
_ENTRIES, _ENTRY_SIZE, _SLOTS = 446, 16, 4
_MARK = b"\x55\xaa"
_PROTECTIVE = 0xEE
_MOST_SECTORS = (1 << 32) - 1

# ext4's superblock, from byte 1024 on: Documentation/filesystems/ext4/super.rst of Linux.
_SUPERBLOCK, _SUPERBLOCK_SIZE = 1024, 1024
_EXT_MAGIC = 0xEF53
_HAS_64BIT = 0x80
_RESIZE_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition; `start`, `size` and `disk_size` in sectors of 512 bytes.

    Attributes:
        number: counted from 1, as the kernel does.
        device, disk: names in ``/dev``.
    """

    number: int
    device: str
    disk: str
    start: int
    size: int
    disk_size: int


class Cannot(Exception):
    """Why a partition is left as it is."""


def grow(system: System, folder: str, log: Callable[[str], None]) -> None:
    """Grow the partition that is mounted at a folder, and its file system, if there is room.

    Args:
        system: the node.
        folder: ``/``, or where the partition for data is mounted.
        log: takes what was done, or why it was not.
    """
    begun = time.monotonic()
    try:
        number = system.path(folder).stat().st_dev
        partition = find(system, os.major(number), os.minor(number))
        if partition is None or not take_rest(system, partition):
            return
    except (AgentError, Cannot, OSError) as error:
        log(f"The file system of {folder} was not grown to the card's end: {error}")
        return
    seconds = time.monotonic() - begun
    log(f"The file system of {folder} was grown to the card's end in {seconds:.1f} s.")


def find(system: System, major: int, minor: int) -> Partition | None:
    """The partition with a device number, as the kernel knows it; None where it is no partition."""
    link = system.path(f"/sys/dev/block/{major}:{minor}")
    if not (link / "partition").exists():
        return None
    place = link.resolve()
    number, start, size = (
        int((place / name).read_text()) for name in ("partition", "start", "size")
    )
    disk_size = int((place.parent / "size").read_text())
    return Partition(number, place.name, place.parent.name, start, size, disk_size)


def take_rest(system: System, partition: Partition) -> bool:
    """Grow a partition and its ext4 file system to the card's end; whether there was room to take.

    Raises:
        Cannot: the card is of a kind that is left alone.
        AgentError: a program failed.
        OSError: the card cannot be read or written.
    """
    if not _lacks(system, partition):
        return False
    _grow_partition(system, partition)
    system.must(["resize2fs", f"/dev/{partition.device}"], seconds=_RESIZE_SECONDS)
    return True


def partition_end(table: bytes, partition: Partition) -> int:
    """The sector behind the last one that the partition can have; raises `Cannot`."""
    starts = [_field(table, slot, 8) for slot in range(_SLOTS)]
    if table[-len(_MARK) :] != _MARK or any(
        table[_ENTRIES + slot * _ENTRY_SIZE + 4] == _PROTECTIVE for slot in range(_SLOTS)
    ):
        raise Cannot("its partition table is of another kind than MBR.")
    if partition.number > _SLOTS or starts[partition.number - 1] != partition.start:
        raise Cannot("its partition is not one of the four of the table.")
    if any(start > partition.start for start in starts):
        raise Cannot("another partition lies behind it.")
    end = partition.disk_size // _ALIGNMENT * _ALIGNMENT
    now = partition.start + _field(table, partition.number - 1, 12)
    return max(now, min(end, partition.start + _MOST_SECTORS))


def with_size(table: bytes, partition: Partition, size: int) -> bytes:
    """The table with another length, in sectors, for the partition."""
    at = _ENTRIES + (partition.number - 1) * _ENTRY_SIZE + 12
    return table[:at] + struct.pack("<I", size) + table[at + 4 :]


def file_system_size(superblock: bytes) -> int:
    """Bytes that an ext2, ext3 or ext4 file system takes; raises `Cannot`."""
    if len(superblock) < _SUPERBLOCK_SIZE or _word(superblock, 56, "H") != _EXT_MAGIC:
        raise Cannot("it is of another kind than ext4.")
    blocks = _word(superblock, 4, "I")
    if _word(superblock, 96, "I") & _HAS_64BIT:
        blocks |= _word(superblock, 336, "I") << 32
    return blocks << (10 + _word(superblock, 24, "I"))


def _lacks(system: System, partition: Partition) -> bool:
    """Whether the card's end is far enough away to be worth it."""
    end = partition_end(_table(system, partition), partition)
    with system.path(f"/dev/{partition.device}").open("rb", buffering=0) as handle:
        superblock = os.pread(handle.fileno(), _SUPERBLOCK_SIZE, _SUPERBLOCK)
    return (end - partition.start) * SECTOR - file_system_size(superblock) >= _WORTH


def _grow_partition(system: System, partition: Partition) -> None:
    """First the table on the card, then the kernel's: it takes it from the card at each boot."""
    if not system.has_program("partx") or not system.has_program("resize2fs"):
        raise Cannot("the image lacks partx (util-linux) or resize2fs (e2fsprogs).")
    table = _table(system, partition)
    size = partition_end(table, partition) - partition.start
    grown = with_size(table, partition, size)
    if grown != table:
        with system.path(f"/dev/{partition.disk}").open("r+b", buffering=0) as handle:
            os.pwrite(handle.fileno(), grown, 0)
            os.fsync(handle.fileno())
    if size != partition.size:
        number = str(partition.number)
        system.must(["partx", "--update", "--nr", number, f"/dev/{partition.disk}"])


def _table(system: System, partition: Partition) -> bytes:
    with system.path(f"/dev/{partition.disk}").open("rb", buffering=0) as handle:
        return os.pread(handle.fileno(), SECTOR, 0)


def _field(table: bytes, slot: int, at: int) -> int:
    return _word(table, _ENTRIES + slot * _ENTRY_SIZE + at, "I")


def _word(data: bytes, at: int, form: str) -> int:
    (value,) = struct.unpack_from(f"<{form}", data, at)
    return int(value)
