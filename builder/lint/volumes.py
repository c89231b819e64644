"""The file systems of an image, as their own first blocks describe them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from builder.lint.finding import Finding
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.fat import FatVolume
from flasher.image.fat_boot import Fat32Part
from flasher.image.mbr import Mbr, Partition
from flasher.image.structure import Structure, at

MIB = 1 << 20
# What an update needs beside a second kernel and initramfs: device trees, rounding to clusters.
_MARGIN = 4 * MIB
_EXT_MAGIC = 0xEF53
_SUPERBLOCK_AT, _SUPERBLOCK_SIZE = 1024, 1024
_CARD = "/dev/mmcblk0p"


@dataclass(frozen=True, slots=True)
class Superblock(Structure):
    """What is asked of ext4's superblock: the kernel's documentation, "The Super Block"."""

    magic: int = at(0x38, "H")
    unasked: bytes = at(0x3A, "46s")
    uuid: bytes = at(0x68, "16s")
    label: bytes = at(0x78, "16s")


@dataclass(frozen=True, slots=True)
class Volumes:
    """The names by which a kernel or an fstab may call the file systems of an image.

    Attributes:
        boot, root, data: such as ``LABEL=rootfs``, ``UUID=…``, ``PARTUUID=…-02``,
            ``/dev/mmcblk0p2``; none where there is no such partition.
    """

    boot: frozenset[str]
    root: frozenset[str]
    data: frozenset[str] = frozenset()


def read_volumes(blocks: Blocks) -> Volumes:
    """Read the names; those of a partition that is missing or is something else are left out."""
    table = Mbr.from_bytes(blocks.read(0, SECTOR))
    names: dict[int, frozenset[str]] = {}
    for part in table.partitions:
        own = {f"PARTUUID={table.disk_id:08x}-{part.slot:02x}", f"{_CARD}{part.slot}"}
        names[part.slot] = frozenset(
            own | (_fat(blocks, part) if part.slot == 1 else _ext(blocks, part))
        )
    return Volumes(*(names.get(slot, frozenset()) for slot in (1, 2, 3)))


def _fat(blocks: Blocks, part: Partition) -> set[str]:
    serial = Fat32Part.from_bytes(blocks.read(part.offset, SECTOR)).volume_id
    label = FatVolume(blocks, part.offset).label
    return {f"LABEL={label}", f"UUID={serial >> 16:04X}-{serial & 0xFFFF:04X}"}


def _ext(blocks: Blocks, part: Partition) -> set[str]:
    if part.size < _SUPERBLOCK_AT + _SUPERBLOCK_SIZE:
        return set()
    raw = blocks.read(part.offset + _SUPERBLOCK_AT, _SUPERBLOCK_SIZE)
    found = Superblock.from_bytes(raw)
    if found.magic != _EXT_MAGIC:
        return set()
    label = found.label.rstrip(b"\0").decode(errors="replace")
    return {f"LABEL={label}", f"UUID={UUID(bytes=found.uuid)}"}


def check_boot_volume(volume: FatVolume, label: str, update: int) -> list[Finding]:
    """Findings about the boot partition itself.

    Args:
        volume: the partition.
        label: what the recipe calls it.
        update: bytes of the kernel and initramfs that an update puts beside the present ones.
    """
    found = []
    if volume.kind != "FAT32":
        what = f"The boot partition is {volume.kind}; the oldest boot ROMs want FAT32."
        found.append(Finding(what, "Make it with `mkfs.fat -F 32`."))
    if volume.label != label:
        what = f"The boot partition's label is {volume.label!r}, not {label!r}."
        found.append(Finding(what, "Give both the same: boot_label in the recipe's [image]."))
    if volume.free_bytes < update + _MARGIN:
        more = -(-(update + _MARGIN - volume.free_bytes) // MIB)
        what = (
            f"The boot partition has {volume.free_bytes // MIB} MiB left: too little for a kernel "
            "update, which puts the new kernel beside the old one."
        )
        found.append(Finding(what, f"Raise boot_size_mib in the recipe's [image] by {more}."))
    return found
