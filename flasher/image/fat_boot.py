"""The boot sector of a FAT16 or FAT32 volume, and where everything lies on it.

Layouts after Microsoft's "FAT32 File System Specification" 1.03 (2000-12-06), chapters "Boot Sector
and BPB" and "FAT32 FSInfo Sector Structure"; the type of volume is told apart as Linux does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flasher.errors import BadInput, FlasherError
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.structure import Structure, at

FatKind = Literal["FAT16", "FAT32"]
FSINFO_LEAD, FSINFO_STRUCTURE, FSINFO_TRAIL = 0x41615252, 0x61417272, 0xAA550000
_MAX_FAT12_CLUSTERS = 4084
_SIGNATURE = b"\x55\xaa"
_SECTOR_SIZES = (512, 1024, 2048, 4096)
_CLUSTER_SECTORS = (1, 2, 4, 8, 16, 32, 64, 128)
_DIRECTORY_SLOT = 32
# What else may stand where a FAT boot sector should: where its name is, and what people call it.
_OTHERS = {
    b"EXFAT   ": "exFAT",
    b"NTFS    ": "NTFS",
    b"-FVE-FS-": "BitLocker",
}


@dataclass(frozen=True, slots=True)
class BootSector(Structure):
    """The part that FAT16 and FAT32 share."""

    jump: bytes = at(0x00, "3s")
    oem_name: bytes = at(0x03, "8s")
    bytes_per_sector: int = at(0x0B, "H")
    sectors_per_cluster: int = at(0x0D, "B")
    reserved_sectors: int = at(0x0E, "H")
    fat_count: int = at(0x10, "B")
    root_entries: int = at(0x11, "H")  # 0 on FAT32
    total_sectors_16: int = at(0x13, "H")  # 0 where total_sectors_32 counts
    media: int = at(0x15, "B")
    fat_sectors_16: int = at(0x16, "H")  # 0 on FAT32
    sectors_per_track: int = at(0x18, "H")
    heads: int = at(0x1A, "H")
    hidden_sectors: int = at(0x1C, "I")
    total_sectors_32: int = at(0x20, "I")


@dataclass(frozen=True, slots=True)
class Fat16Part(Structure):
    """What follows on FAT16."""

    drive_number: int = at(0x24, "B")
    reserved: int = at(0x25, "B")
    boot_signature: int = at(0x26, "B")
    volume_id: int = at(0x27, "I")
    label: bytes = at(0x2B, "11s")
    type_name: bytes = at(0x36, "8s")


@dataclass(frozen=True, slots=True)
class Fat32Part(Structure):
    """What follows on FAT32."""

    fat_sectors: int = at(0x24, "I")
    flags: int = at(0x28, "H")  # bit 7: only the FAT in bits 0-3 is in use
    version: int = at(0x2A, "H")
    root_cluster: int = at(0x2C, "I")
    info_sector: int = at(0x30, "H")
    backup_sector: int = at(0x32, "H")
    reserved: bytes = at(0x34, "12s")
    drive_number: int = at(0x40, "B")
    reserved_1: int = at(0x41, "B")
    boot_signature: int = at(0x42, "B")
    volume_id: int = at(0x43, "I")
    label: bytes = at(0x47, "11s")
    type_name: bytes = at(0x52, "8s")


@dataclass(frozen=True, slots=True)
class InfoSector(Structure):
    """FAT32's count of free clusters; a hint that drivers believe."""

    lead: int = at(0x000, "I")
    reserved: bytes = at(0x004, "480s")
    structure: int = at(0x1E4, "I")
    free_count: int = at(0x1E8, "I")
    next_free: int = at(0x1EC, "I")
    reserved_1: bytes = at(0x1F0, "12s")
    trail: int = at(0x1FC, "I")


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where everything lies, in bytes from the start of the blocks.

    Attributes:
        fat_offsets: of each copy of the table that is in use.
        fat_size: of one copy.
        root_offset: of the root folder, and
        root_size: its size; both 0 on FAT32, where
        root_cluster: is its first cluster (0 on FAT16).
        data_offset: of cluster 2.
        cluster_count: clusters are numbered 2 to `cluster_count` + 1.
        info_offset: of the info sector; None where there is none.
        label: as the boot sector has it; the root folder's entry goes before.
    """

    kind: FatKind
    cluster_size: int
    cluster_count: int
    fat_offsets: tuple[int, ...]
    fat_size: int
    root_offset: int
    root_size: int
    root_cluster: int
    data_offset: int
    info_offset: int | None
    label: str

    def cluster_offset(self, cluster: int) -> int:
        """Where a cluster's bytes start."""
        return self.data_offset + (cluster - 2) * self.cluster_size


def read_geometry(blocks: Blocks, offset: int) -> Geometry:
    """Read the boot sector of the volume that starts at byte `offset`.

    Raises:
        BadInput: ``not-fat``, with what it is instead where that can be told.
        FlasherError: ``fat-damaged``, where its numbers make no sense.
    """
    sector = blocks.read(offset, SECTOR)
    _refuse_others(sector)
    boot = BootSector.from_bytes(sector)
    _check(boot)
    fat32 = boot.fat_sectors_16 == 0
    geometry = _lay_out(offset, boot, sector, fat32=fat32)
    if not fat32 and geometry.cluster_count <= _MAX_FAT12_CLUSTERS:
        raise _not_fat("FAT12")
    _check_sizes(blocks, geometry)
    return geometry


def _refuse_others(sector: bytes) -> None:
    name = sector[3:11]
    if name in _OTHERS:
        raise _not_fat(_OTHERS[name])
    if sector[510:512] != _SIGNATURE or not any(sector[:SECTOR]):
        raise _not_fat("no file system that starts with a boot sector")


def _not_fat(what: str) -> BadInput:
    return BadInput(
        "not-fat",
        f"The boot partition is not FAT16 or FAT32: it is {what}.",
        "Take an image with a FAT boot partition, as Raspberry Pis need it.",
    )


def _check(boot: BootSector) -> None:
    plausible = (
        boot.bytes_per_sector in _SECTOR_SIZES
        and boot.sectors_per_cluster in _CLUSTER_SECTORS
        and boot.reserved_sectors > 0
        and boot.fat_count > 0
    )
    if not plausible:
        raise _not_fat("something else, or its boot sector is damaged")


def _lay_out(offset: int, boot: BootSector, sector: bytes, *, fat32: bool) -> Geometry:
    unit = boot.bytes_per_sector
    part32, part16 = Fat32Part.from_bytes(sector), Fat16Part.from_bytes(sector)
    fat_size = (part32.fat_sectors if fat32 else boot.fat_sectors_16) * unit
    first_fat = offset + boot.reserved_sectors * unit
    root_offset = first_fat + boot.fat_count * fat_size
    root_size = -(-boot.root_entries * _DIRECTORY_SLOT // unit) * unit
    data_offset = root_offset + root_size
    end = offset + (boot.total_sectors_16 or boot.total_sectors_32) * unit
    cluster_size = boot.sectors_per_cluster * unit
    copies = range(boot.fat_count)
    if fat32 and part32.flags & 0x80:
        copies = range(part32.flags & 0x0F, (part32.flags & 0x0F) + 1)
    return Geometry(
        kind="FAT32" if fat32 else "FAT16",
        cluster_size=cluster_size,
        cluster_count=(end - data_offset) // cluster_size,
        fat_offsets=tuple(first_fat + copy * fat_size for copy in copies),
        fat_size=fat_size,
        root_offset=0 if fat32 else root_offset,
        root_size=root_size,
        root_cluster=part32.root_cluster if fat32 else 0,
        data_offset=data_offset,
        info_offset=offset + part32.info_sector * unit if fat32 and part32.info_sector else None,
        label=(part32.label if fat32 else part16.label).decode("cp437").rstrip(),
    )


def _check_sizes(blocks: Blocks, geometry: Geometry) -> None:
    entry_size = 4 if geometry.kind == "FAT32" else 2
    if geometry.cluster_count < 1 or geometry.cluster_offset(2) >= blocks.size:
        raise damaged("it is larger than the partition or image that holds it")
    if geometry.cluster_offset(geometry.cluster_count + 2) > blocks.size:
        raise damaged("it is larger than the partition or image that holds it")
    if geometry.fat_size < (geometry.cluster_count + 2) * entry_size:
        raise damaged("its table is too small for its clusters")
    if (geometry.root_size > 0) == (geometry.kind == "FAT32"):
        raise damaged("its root folder is in the wrong place")


def damaged(what: str) -> FlasherError:
    """The error for a volume that contradicts itself; `what` completes "is damaged: …"."""
    return FlasherError(
        "fat-damaged",
        f"The FAT file system is damaged: {what}.",
        "Write the card anew, or take the image from its source again.",
    )
