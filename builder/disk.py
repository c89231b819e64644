"""The disk image: MBR, FAT32 and ext4 made inside one sparse file, with no loop device.

The table is an MBR with FAT32 in slot 1, the only form that every Raspberry Pi's boot ROM reads;
the root in slot 2; and, where it is asked for, a partition for data in slot 3.
Partitions start at multiples of 4 MiB, the erase unit that SD cards commonly have.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from builder.bench import Bench
from builder.boot_code import lay_boot_code, read_boot_code
from builder.boot_fit import require_boot_fits
from builder.filesystems import (
    JOURNAL_MIB,
    MIB,
    Content,
    Ext4,
    freshen_layers,
    make_boot,
    make_data,
    make_root,
)
from builder.lanes import Lane, open_lanes
from builder.measure import BLOCK, Measure
from builder.native_root import NativeRoot
from builder.recipe import ImageSettings
from flasher.image.blocks import SECTOR
from flasher.image.mbr import FAT32_LBA, LINUX, Mbr, Partition
from flasher.image.ranges import ByteRange

ALIGNMENT = 4 * MIB
# The folder whose content a partition for data begins with, relative to the tree, and its label.
DATA, DATA_LABEL = "data", "data"

# mke2fs.conf: one inode for each 16 KiB, 256 bytes each; maps and spare descriptors come on top.
_BYTES_PER_INODE = 16384
_INODE = 256
_FIXED_OVERHEAD = 24 * MIB
_SHARE_OVERHEAD = 0.03
_DATA_SLACK_MIB = 16
_IDS = ("ids", "more ids")


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the partitions lie, in bytes; the image ends where the last one ends."""

    boot: ByteRange
    root: ByteRange
    data: ByteRange | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole image, a multiple of 4 MiB."""
        return (self.data or self.root).end


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids in the image; the same key gives the same ids, so the same bytes."""

    disk: int
    volume: int
    root: UUID
    hash_seed: UUID
    data: UUID

    @classmethod
    def from_key(cls, key: str) -> Identity:
        """Derive all ids from an image's key."""
        raw, more = (hashlib.sha256(f"{ids} of {key}".encode()).digest() for ids in _IDS)
        return cls(
            disk=int.from_bytes(raw[:4], "little") | 1,
            volume=int.from_bytes(raw[4:8], "little") | 1,
            root=UUID(bytes=raw[:16], version=4),
            hash_seed=UUID(bytes=raw[16:], version=4),
            data=UUID(bytes=more[:16], version=4),
        )


def plan_geometry(settings: ImageSettings, found: Measure) -> Geometry:
    """Lay out the partitions for a tree.

    Args:
        settings: sizes asked for; the slack stays free in the root file system.
        found: what the tree takes.
    """
    boot = ByteRange(ALIGNMENT, round_up(settings.boot_size_mib * MIB))
    root = ByteRange(boot.end, ext4_size(found.blocks, found.files, settings.root_slack_mib))
    if not settings.data_size_mib:
        return Geometry(boot, root)
    least = ext4_size(found.data_blocks, found.data_files, _DATA_SLACK_MIB)
    size = max(round_up(settings.data_size_mib * MIB), least)
    return Geometry(boot, root, ByteRange(root.end, size))


def ext4_size(blocks: int, files: int, slack_mib: int) -> int:
    """Bytes of an ext4 that holds so many blocks and files, and leaves so much free."""
    content = blocks * BLOCK + (JOURNAL_MIB + slack_mib) * MIB
    inodes = max(content // _BYTES_PER_INODE, files) * _INODE
    size = int((content + inodes) * (1 + _SHARE_OVERHEAD)) + _FIXED_OVERHEAD
    # More files than inodes, as in a tree of very small ones: the file system grows with them.
    return round_up(max(size, files * _BYTES_PER_INODE * 9 // 8))


def assemble(
    image: Path,
    settings: ImageSettings,
    identity: Identity,
    bench: Bench,
    tools: NativeRoot,
    epoch: int,
) -> Geometry:
    """Write the image of the bench's tree into a new sparse file.

    Args:
        image: absolute path; must not exist.
        settings: labels and sizes.
        identity: of disk and file systems.
        bench: with all layers and no draft.
        tools: dosfstools, e2fsprogs and mtools.
        epoch: the image's, seconds since 1970; no time in it is later.

    Raises:
        FlasherError: ``boot-partition-too-small``, ``boot-file-odd``, ``boot-code-odd`` or
            ``clock-behind``.
    """
    content = Content(bench.merged, tools, epoch, DATA if settings.data_size_mib else None)
    with open_lanes(bench, 2) as lanes:
        found = content.measure(lanes[0])
        if found.oldest >= epoch:
            return _fill(image, settings, identity, content, found, lanes)
    freshen_layers(bench, epoch)
    return assemble(image, settings, identity, bench, tools, epoch)


def _fill(
    image: Path,
    settings: ImageSettings,
    identity: Identity,
    content: Content,
    found: Measure,
    lanes: tuple[Lane, ...],
) -> Geometry:
    geometry = plan_geometry(settings, found)
    require_boot_fits(found, geometry.boot.length)
    code = read_boot_code(lanes[0], str(content.tree))
    with image.open("xb") as handle:
        handle.write(lay_boot_code(code, bytes(table_of(geometry, identity.disk))))
        handle.truncate(geometry.size)
    common, seed = (content, found, image), identity.hash_seed
    with ThreadPoolExecutor(1) as beside:
        boot = (geometry.boot, settings.boot_label, identity.volume)
        making_boot = beside.submit(make_boot, lanes[1], *common, *boot)
        root = Ext4(geometry.root, settings.root_label, identity.root, seed)
        make_root(lanes[0], *common, root)
        if geometry.data:
            make_data(lanes[0], *common, Ext4(geometry.data, DATA_LABEL, identity.data, seed))
        making_boot.result()
    return geometry


def table_of(geometry: Geometry, disk_id: int) -> Mbr:
    """The partition table."""

    def entry(slot: int, kind: int, place: ByteRange) -> Partition:
        extent = (place.offset // SECTOR, place.length // SECTOR)
        return Partition(slot, kind, *extent, bootable=slot == 1)

    partitions = [entry(1, FAT32_LBA, geometry.boot), entry(2, LINUX, geometry.root)]
    if geometry.data:
        partitions.append(entry(3, LINUX, geometry.data))
    return Mbr(disk_id, tuple(partitions))


def round_up(size: int) -> int:
    """The next multiple of 4 MiB."""
    return -(-size // ALIGNMENT) * ALIGNMENT
