"""The kinds of cards in the practice box: what they hold, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from flasher.image.blocks import SECTOR, WritableBlocks
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.mbr import FAT32_LBA, LINUX, Partition
from flasher.practice.condition import CRAWLING, WELL, Condition
from flasher.practice.volumes import format_fat32, open_new

_MIB = 1 << 20
# What cards sold as 8, 16 and 64 GB truly have is a little less; whole erase blocks of 4 MiB.
_GB_8, _GB_16, _GB_64 = 1895 * 4 * _MIB, 3798 * 4 * _MIB, 15226 * 4 * _MIB
# More than a probe writes, and less than a card of a node takes.
_FOR_A_WHILE = 64 * _MIB
_TAKEN = datetime(2026, 8, 14, 15, 30, tzinfo=UTC)
_PHOTOS = 48


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of card.

    Attributes:
        name: such as ``photos``.
        size: bytes that it announces.
        condition: what is wrong with it.
        fill: puts onto it what it holds; None where it is blank.
    """

    name: str
    size: int = _GB_16
    condition: Condition = WELL
    fill: Callable[[Path, int], None] | None = None


def _with_photos(path: Path, size: int) -> None:
    """A camera's card: one FAT32 volume with pictures of a few KiB."""
    first = 4 * _MIB // SECTOR
    whole = Partition(1, FAT32_LBA, first, size // SECTOR - first)
    with open_new(path, size, (whole,)) as blocks:
        format_fat32(blocks, whole, "EOS_DIGITAL")
        volume = WritableFatVolume(blocks, whole.offset)
        for number in range(_PHOTOS):
            name = f"DCIM/100CANON/IMG_{2041 + number}.JPG"
            volume.write(name, _picture(number), modified=_TAKEN)


def _picture(number: int) -> bytes:
    """The mark of a JPEG, and some KiB behind it (ISO 10918-1, annex B: SOI, APP0 … EOI)."""
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + bytes([number + 1]) * (3000 + 97 * number) + b"\xff\xd9"
    )


def _with_linux(path: Path, size: int, label: str = "octoprint") -> None:
    """Somebody's system: a boot partition, and a file system that is only hinted at."""
    boot = Partition(1, FAT32_LBA, 4 * _MIB // SECTOR, 256 * _MIB // SECTOR)
    first = boot.first_sector + boot.sector_count
    root = Partition(2, LINUX, first, size // SECTOR - first)
    with open_new(path, size, (boot, root)) as blocks:
        format_fat32(blocks, boot, "BOOTFS")
        volume = WritableFatVolume(blocks, boot.offset)
        command = f"console=tty1 root=LABEL={label} rootwait\n"
        volume.write("cmdline.txt", command.encode(), modified=_TAKEN)
        _mark_ext(blocks, root.offset, label.encode())


def _mark_ext(blocks: WritableBlocks, offset: int, label: bytes) -> None:
    """What tells ext file systems: mark and label (Linux, Documentation/filesystems/ext4)."""
    blocks.write(offset + 0x438, b"\x53\xef")
    blocks.write(offset + 0x478, label)


# In the words of `flasher.drives.verdict`.
_OF_THIS_COMPUTER = Condition(refusal="it is no card in a card reader (NVMe disk)")
# Those of the rig are filled when the rig is known, see `flasher.practice.nodes`.
NEW, OWN, FAILED = Kind("new"), Kind("own", _GB_8), Kind("failed", _GB_8)
KINDS = (
    NEW,
    Kind("photos", _GB_8, fill=_with_photos),
    Kind("linux", _GB_8, fill=_with_linux),
    OWN,
    FAILED,
    Kind("counterfeit", _GB_64, Condition(keeps=8 << 30)),
    Kind("worn", condition=Condition(fails_after=_FOR_A_WHILE)),
    Kind("forgetful", condition=Condition(spoils_after=_FOR_A_WHILE)),
    Kind("slow", condition=CRAWLING),
    Kind("locked", condition=Condition(locked=True)),
    Kind("small", 64 * _MIB),
    Kind("disk", _GB_64 * 8, _OF_THIS_COMPUTER, partial(_with_linux, label="system")),
)
