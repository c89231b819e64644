"""The master boot record: which partitions a card has.

Layout after the UEFI Specification 2.10, section 5.2.1 (table "Legacy MBR"); partition types after
Andries Brouwer's list as util-linux knows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from flasher.errors import BadInput
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.structure import Structure, at

FAT16_LBA, FAT32_LBA, LINUX, GPT_PROTECTIVE = 0x0E, 0x0C, 0x83, 0xEE
FAT_TYPES = frozenset({0x01, 0x04, 0x06, 0x0B, FAT32_LBA, FAT16_LBA})
EXTENDED_TYPES = frozenset({0x05, 0x0F, 0x85})  # hold partitions of their own
TYPE_NAMES = {
    0x01: "FAT12",
    0x04: "FAT16",
    0x05: "extended",
    0x06: "FAT16",
    0x07: "NTFS or exFAT",
    0x0B: "FAT32",
    FAT32_LBA: "FAT32",
    FAT16_LBA: "FAT16",
    0x0F: "extended",
    0x82: "Linux swap",
    LINUX: "Linux",
    0x8E: "Linux LVM",
    GPT_PROTECTIVE: "GPT",
    0xFD: "Linux RAID",
}
CODE_SIZE = 440  # bytes of the first sector that a boot loader may fill
_SIGNATURE = 0xAA55
_BOOTABLE = 0x80
# Cylinders, heads and sectors are long dead; all ones says "see the sector numbers".
_NO_CHS = b"\xfe\xff\xff"
_SLOTS = 4


@dataclass(frozen=True, slots=True)
class _Sector(Structure):
    boot_code: bytes = at(0x000, f"{CODE_SIZE}s")
    disk_id: int = at(0x1B8, "I")
    reserved: int = at(0x1BC, "H")
    entries: bytes = at(0x1BE, "64s")
    signature: int = at(0x1FE, "H")


@dataclass(frozen=True, slots=True)
class _Entry(Structure):
    status: int = at(0x00, "B")
    first_chs: bytes = at(0x01, "3s")
    type: int = at(0x04, "B")
    last_chs: bytes = at(0x05, "3s")
    first_sector: int = at(0x08, "I")
    sector_count: int = at(0x0C, "I")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition.

    Attributes:
        slot: 1 to 4.
        type: the type byte, such as 0x0C for FAT32.
        first_sector: in sectors of 512 bytes.
        sector_count: in sectors of 512 bytes, at least 1.
        bootable: the active flag; a Pi does not look at it.
    """

    slot: int
    type: int
    first_sector: int
    sector_count: int
    bootable: bool = False

    @property
    def offset(self) -> int:
        """Where it starts, in bytes."""
        return self.first_sector * SECTOR

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.sector_count * SECTOR

    @property
    def type_name(self) -> str:
        """The type in words, such as ``FAT32``."""
        return TYPE_NAMES.get(self.type, f"type 0x{self.type:02X}")


@dataclass(frozen=True, slots=True)
class Mbr:
    """A partition table: the 32-bit disk id and the partitions, by slot."""

    disk_id: int
    partitions: tuple[Partition, ...]

    @classmethod
    def from_bytes(cls, sector: bytes) -> Mbr:
        """Read the first sector (512 bytes) of an image or card.

        Raises:
            BadInput: ``no-partition-table`` where there is none.
        """
        found = _Sector.from_bytes(sector)
        entries = [_Entry.from_bytes(found.entries, 16 * slot) for slot in range(_SLOTS)]
        # A FAT boot sector ends in the same signature; its code makes no sense as entries.
        if found.signature != _SIGNATURE or any(entry.status & ~_BOOTABLE for entry in entries):
            raise BadInput(
                "no-partition-table",
                "There is no partition table (MBR) in the first sector.",
                "Choose an image of a whole card, not of one partition.",
            )
        return cls(found.disk_id, tuple(_partitions(entries)))

    def __bytes__(self) -> bytes:
        """The sector, without boot code."""
        entries = {found.slot: bytes(_entry(found)) for found in self.partitions}
        raw = b"".join(entries.get(slot, bytes(16)) for slot in range(1, _SLOTS + 1))
        return bytes(_Sector(b"", self.disk_id, 0, raw, _SIGNATURE))


def has_table(blocks: Blocks) -> bool:
    """Whether an image or card has a partition table in its first sector, be it an empty one."""
    try:
        Mbr.from_bytes(blocks.read(0, min(SECTOR, blocks.size)).ljust(SECTOR, b"\0"))
    except BadInput:
        return False
    return True


def _partitions(entries: list[_Entry]) -> list[Partition]:
    return [
        Partition(slot, e.type, e.first_sector, e.sector_count, bool(e.status & _BOOTABLE))
        for slot, e in enumerate(entries, 1)
        if e.type and e.sector_count
    ]


def _entry(found: Partition) -> _Entry:
    status = _BOOTABLE if found.bootable else 0
    return _Entry(status, _NO_CHS, found.type, _NO_CHS, found.first_sector, found.sector_count)
