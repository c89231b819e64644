"""What a drive holds: whose card it is, whether it is blank, and what is on its partitions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from flasher.card.inspect import CardReport, inspect_card
from flasher.drives.model import DrivePartition
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.image.blocks import Blocks
from flasher.image.mbr import GPT_PROTECTIVE
from flasher.image.structure import Structure, at

_LOOK = 0x10100  # bytes of a partition that hold every mark below
# Where file systems and their like put their marks: as in each one's own header, for ext in Linux's
# Documentation/filesystems/ext4, for btrfs, xfs and squashfs in their documents beside it.
_MARKS = (
    ("LUKS", 0, b"LUKS\xba\xbe"),
    ("XFS", 0, b"XFSB"),
    ("SquashFS", 0, b"hsqs"),
    ("exFAT", 3, b"EXFAT   "),
    ("NTFS", 3, b"NTFS    "),
    ("FAT32", 0x52, b"FAT32   "),
    ("FAT16", 0x36, b"FAT16   "),
    ("FAT12", 0x36, b"FAT12   "),
    ("LVM", 0x218, b"LVM2 001"),
    ("F2FS", 0x400, b"\x10\x20\xf5\xf2"),
    ("ext", 0x438, b"\x53\xef"),
    ("swap", 0xFF6, b"SWAPSPACE2"),
    ("RAID", 0x1000, b"\xfc\x4e\x2b\xa9"),
    ("ISO 9660", 0x8001, b"CD001"),
    ("btrfs", 0x10040, b"_BHRfS_M"),
)
_LABELS = {"FAT32": (0x47, 11), "FAT16": (0x2B, 11), "FAT12": (0x2B, 11), "ext": (0x478, 16)}
# ext4 differs from ext2 and ext3 by what it may use: extents, 64-bit numbers, flexible groups.
_EXT4_ONLY, _HAS_JOURNAL = 0x40 | 0x80 | 0x200, 0x4


@dataclass(frozen=True, slots=True)
class _ExtFeatures(Structure):
    compatible: int = at(0x45C, "I")
    incompatible: int = at(0x460, "I")


@dataclass(frozen=True, slots=True)
class Extent:
    """A partition by its number, and where it lies, in bytes."""

    number: int
    offset: int
    size: int
    type_name: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look.

    Attributes:
        path: device node or file.
        extents: its partitions as the kernel knows them; without, its own table tells.
        is_empty: a reader without a card.
    """

    path: Path
    extents: tuple[Extent, ...] = ()
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found on a drive; as `Drive` has it."""

    holds: str
    blank: bool = False
    node: str = ""
    partitions: tuple[DrivePartition, ...] = ()


class Lookers:
    """Look at drives side by side; one that does not answer holds up no other.

    Args:
        patience: seconds after which a drive is left out.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._waiting: dict[Path, Thread] = {}

    def look_at_all(self, places: Iterable[Place]) -> dict[Path, Contents]:
        """What is on drives; those that do not answer, or still owe an answer, are left out."""
        found: dict[Path, Contents] = {}

        def look(place: Place) -> None:
            found[place.path] = look_at(place)

        self._waiting = {path: one for path, one in self._waiting.items() if one.is_alive()}
        # No pool: a program that ends does not wait for daemons, and one of these may never end.
        begun = {
            place.path: Thread(target=look, args=(place,), daemon=True)
            for place in places
            if place.path not in self._waiting
        }
        self._waiting |= begun
        for looker in begun.values():
            looker.start()
        until = time.monotonic() + self._patience
        for looker in begun.values():
            looker.join(max(until - time.monotonic(), 0))
        return dict(found)


def look_at(place: Place) -> Contents:
    """Look at a drive; what cannot be read is told, never raised."""
    if place.is_empty:
        return Contents("no card")
    try:
        with drive_blocks(place.path, ask=False) as blocks:
            report = inspect_card(blocks)
            known = place.extents or tuple(_in_table(report))
            partitions = tuple(_look_inside(blocks, extent) for extent in known)
    except FlasherError:
        return Contents("unknown: it cannot be read")
    return Contents(report.summary, report.summary == "empty", report.node or "", partitions)


def file_system_on(blocks: Blocks) -> str:
    """Name of a file system that begins at the very first byte; empty where none is known."""
    return _kind(blocks.read(0, min(_LOOK, blocks.size)))


def _in_table(report: CardReport) -> Iterator[Extent]:
    for found in report.partitions:
        if found.type != GPT_PROTECTIVE:
            yield Extent(found.slot, found.offset, found.size, found.type_name)


def _look_inside(blocks: Blocks, extent: Extent) -> DrivePartition:
    head = b""
    with suppress(FlasherError):
        room = min(extent.size, blocks.size - extent.offset)
        head = blocks.read(extent.offset, max(min(_LOOK, room), 0))
    kind = _kind(head)
    first, length = _LABELS.get(kind, (0, 0))
    label = head[first : first + length].partition(b"\0")[0].decode(errors="replace")
    clean = "".join(c for c in label if c.isprintable()).strip()
    holds = _ext_name(head) if kind == "ext" else kind
    return DrivePartition(
        extent.number,
        extent.offset,
        extent.size,
        holds or extent.type_name or "unknown",
        "" if clean == "NO NAME" else clean,
    )


def _kind(head: bytes) -> str:
    return next((name for name, at_byte, mark in _MARKS if head.startswith(mark, at_byte)), "")


def _ext_name(head: bytes) -> str:
    features = _ExtFeatures.from_bytes(head)
    if features.incompatible & _EXT4_ONLY:
        return "ext4"
    return "ext3" if features.compatible & _HAS_JOURNAL else "ext2"
