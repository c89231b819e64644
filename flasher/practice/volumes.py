"""FAT32 volumes made from nothing, for cards that already hold something.

Layouts after Microsoft's "FAT32 File System Specification" 1.03 (2000-12-06).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from flasher.image.blocks import SECTOR, FileBlocks, WritableBlocks
from flasher.image.fat_boot import (
    FSINFO_LEAD,
    FSINFO_STRUCTURE,
    FSINFO_TRAIL,
    BootSector,
    Fat32Part,
    InfoSector,
)
from flasher.image.mbr import Mbr, Partition

_RESERVED, _INFO, _BACKUP, _ROOT = 32, 1, 6, 2
# Up to so many clusters, a table is small and quickly read.
_MANY_CLUSTERS = 1 << 18
_SIGNATURE = b"\x55\xaa"
_MEDIA = 0xF8
# What stands for cluster 0, for cluster 1, and for the end of the root folder's chain.
_FIRST_ENTRIES = b"\xf8\xff\xff\x0f\xff\xff\xff\x0f\xff\xff\xff\x0f"
_IS_LABEL = 0x08


def open_new(path: Path, size: int, partitions: Iterable[Partition]) -> FileBlocks:
    """A sparse file with a partition table, to be filled; one that was there is gone.

    It is for its owner alone, as real cards are: what is written to it may be secret.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.truncate(size)
    blocks = FileBlocks(path, writable=True)
    blocks.write(0, bytes(Mbr(0x50524143, tuple(partitions))))
    return blocks


def format_fat32(blocks: WritableBlocks, where: Partition, label: str) -> None:
    """Make an empty FAT32 file system in a partition that holds nothing but zeros.

    Args:
        where: 34 MiB or more.
        label: up to 11 capital letters.
    """
    per_cluster = _cluster_sectors(where.sector_count)
    clusters = (where.sector_count - _RESERVED) // per_cluster
    table = -(-(clusters + 2) * 4 // SECTOR)
    clusters = (where.sector_count - _RESERVED - 2 * table) // per_cluster
    padded = label.encode("ascii").ljust(11)
    boot = _boot_sector(where, per_cluster, table, padded)
    info = InfoSector(FSINFO_LEAD, b"", FSINFO_STRUCTURE, clusters - 1, 3, b"", FSINFO_TRAIL)
    for first in (0, _BACKUP):
        blocks.write(where.offset + first * SECTOR, boot)
        blocks.write(where.offset + (first + _INFO) * SECTOR, bytes(info))
    first_table = where.offset + _RESERVED * SECTOR
    for copy in range(2):
        blocks.write(first_table + copy * table * SECTOR, _FIRST_ENTRIES)
    named = (padded + bytes([_IS_LABEL])).ljust(32, b"\0")
    blocks.write(first_table + 2 * table * SECTOR, named)


def _cluster_sectors(sectors: int) -> int:
    count = 1
    while sectors // count > _MANY_CLUSTERS:
        count *= 2
    return count


def _boot_sector(where: Partition, per_cluster: int, table: int, label: bytes) -> bytes:
    shared = BootSector(
        jump=b"\xeb\x58\x90",
        oem_name=b"FLASHER ",
        bytes_per_sector=SECTOR,
        sectors_per_cluster=per_cluster,
        reserved_sectors=_RESERVED,
        fat_count=2,
        root_entries=0,
        total_sectors_16=0,
        media=_MEDIA,
        fat_sectors_16=0,
        sectors_per_track=63,
        heads=255,
        hidden_sectors=where.first_sector,
        total_sectors_32=where.sector_count,
    )
    own = Fat32Part(
        fat_sectors=table,
        flags=0,
        version=0,
        root_cluster=_ROOT,
        info_sector=_INFO,
        backup_sector=_BACKUP,
        reserved=b"",
        drive_number=0x80,
        reserved_1=0,
        boot_signature=0x29,
        volume_id=where.first_sector ^ where.sector_count,
        label=label,
        type_name=b"FAT32   ",
    )
    return (bytes(shared) + bytes(own)).ljust(SECTOR - 2, b"\0") + _SIGNATURE
