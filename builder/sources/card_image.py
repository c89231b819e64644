"""Images of cards read as trees: the ext4 of the second partition, the FAT of the first in it.

Standard library only.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import PurePosixPath

from builder.sources.ext4 import Ext4
from builder.sources.node import Node
from flasher.errors import BadInput
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.fat import FatVolume, Stat
from flasher.image.mbr import FAT_TYPES, LINUX, Mbr

# Where systems have mounted the boot partition: since Debian 12, and before.
BOOT_FOLDERS = ("boot/firmware", "boot")
_FAT_NAMES = ("vfat", "msdos", "auto")


@dataclass(frozen=True, slots=True)
class CardImage:
    """The two partitions of an image.

    Attributes:
        disk_id: from the partition table; a root file system named by PARTUUID goes by it.
        more: slots of partitions that are not read.
    """

    disk_id: int
    boot: FatVolume
    root: Ext4
    more: tuple[int, ...]


def open_card_image(blocks: Blocks) -> CardImage:
    """Find the partitions of an image.

    Raises:
        BadInput: it has others than a Pi's: ``no-partition-table``, ``partitions-odd``,
            ``not-fat``, ``not-ext4`` or ``ext4-odd``.
    """
    table = Mbr.from_bytes(blocks.read(0, SECTOR))
    by_slot = {part.slot: part for part in table.partitions}
    kinds = [by_slot[slot].type if slot in by_slot else 0 for slot in (1, 2)]
    if kinds[0] not in FAT_TYPES or kinds[1] != LINUX:
        raise BadInput(
            "partitions-odd",
            "The image has not the partitions of a Raspberry Pi's: FAT first, then Linux.",
            "Start from another image, or from a tarball of its root file system: rootfs:FILE.",
        )
    offset = by_slot[2].offset

    def read(at: int, length: int) -> bytes:
        return blocks.read(offset + at, length)

    more = tuple(slot for slot in sorted(by_slot) if slot > len(kinds))
    return CardImage(table.disk_id, FatVolume(blocks, by_slot[1].offset), Ext4(read), more)


def boot_folder(fstab: str, folders: frozenset[str]) -> str:
    """Where the boot partition belongs in a tree, relative to it.

    Args:
        fstab: text of its /etc/fstab.
        folders: those of `BOOT_FOLDERS` that the tree has.
    """
    for line in fstab.splitlines():
        fields = line.split("#")[0].split()
        if len(fields) > 2 and fields[2] in _FAT_NAMES and fields[1].lstrip("/") in BOOT_FOLDERS:
            return fields[1].lstrip("/")
    return next((folder for folder in BOOT_FOLDERS if folder in folders), BOOT_FOLDERS[-1])


def boot_nodes(boot: FatVolume, listed: Iterable[tuple[str, Stat]], folder: str) -> Iterator[Node]:
    """What the boot partition holds, below the folder where it is mounted; all of it root's.

    Args:
        boot: the partition.
        listed: what is in it.
        folder: relative to the tree.
    """
    for path, found in listed:
        yield Node(
            f"{folder}/{path}",
            stat.S_IFDIR | 0o755 if found.is_folder else stat.S_IFREG | 0o644,
            modified=int(found.modified.replace(tzinfo=UTC).timestamp()) * 10**9,
            size=0 if found.is_folder else found.size,
            content=partial(_whole, boot, "" if found.is_folder else path),
        )


def _whole(boot: FatVolume, path: str) -> Iterator[tuple[int, bytes]]:
    if path and (data := boot.read(path)):
        yield 0, data


def root_nodes(root: Ext4) -> Iterator[Node]:
    """What the root file system holds; every ext4 has a lost+found of its own."""
    return (node for node in root.walk() if PurePosixPath(node.path).parts[:1] != ("lost+found",))
