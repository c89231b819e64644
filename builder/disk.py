"""The disk image: MBR, FAT32 and ext4 made inside one sparse file, with no loop device.

The table is an MBR with FAT32 in slot 1, the only form that every Raspberry Pi's boot ROM reads.
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
from builder.filesystems import (
    JOURNAL_MIB,
    MIB,
    Content,
    freshen_layers,
    make_boot,
    make_root,
    require_boot_fits,
)
from builder.lanes import Lane, open_lanes
from builder.measure import BLOCK, Measure
from builder.native_root import NativeRoot
from builder.recipe import ImageSettings
from flasher.image.blocks import SECTOR
from flasher.image.mbr import FAT32_LBA, LINUX, Mbr, Partition
from flasher.image.ranges import ByteRange

ALIGNMENT = 4 * MIB

# mke2fs.conf: one inode for each 16 KiB, 256 bytes each; maps and spare descriptors come on top.
_BYTES_PER_INODE = 16384
_INODE = 256
_FIXED_OVERHEAD = 24 * MIB
_SHARE_OVERHEAD = 0.03


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the partitions lie, in bytes; the image ends where the second one ends."""

    boot: ByteRange
    root: ByteRange

    @property
    def size(self) -> int:
        """Bytes of the whole image, a multiple of 4 MiB."""
        return self.root.end


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids in the image; the same key gives the same ids, so the same bytes."""

    disk: int
    volume: int
    root: UUID
    hash_seed: UUID

    @classmethod
    def from_key(cls, key: str) -> Identity:
        """Derive all ids from an image's key."""
        raw = hashlib.sha256(f"ids of {key}".encode()).digest()
        return cls(
            disk=int.from_bytes(raw[:4], "little") | 1,
            volume=int.from_bytes(raw[4:8], "little") | 1,
            root=UUID(bytes=raw[:16], version=4),
            hash_seed=UUID(bytes=raw[16:], version=4),
        )


def plan_geometry(settings: ImageSettings, blocks: int, files: int) -> Geometry:
    """Lay out the partitions for a root tree.

    Args:
        settings: sizes asked for; the slack stays free in the root file system.
        blocks: 4 KiB blocks that the root tree takes.
        files: files and folders in it.
    """
    boot = ByteRange(ALIGNMENT, _round_up(settings.boot_size_mib * MIB))
    content = blocks * BLOCK + (JOURNAL_MIB + settings.root_slack_mib) * MIB
    inodes = max(content // _BYTES_PER_INODE, files) * _INODE
    size = int((content + inodes) * (1 + _SHARE_OVERHEAD)) + _FIXED_OVERHEAD
    # More files than inodes, as in a tree of very small ones: the file system grows with them.
    size = max(size, files * _BYTES_PER_INODE * 9 // 8)
    return Geometry(boot, ByteRange(boot.end, _round_up(size)))


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
    content = Content(bench.merged, tools, epoch)
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
    geometry = plan_geometry(settings, found.blocks, found.files)
    require_boot_fits(found, geometry.boot.length)
    code = read_boot_code(lanes[0], str(content.tree))
    with image.open("xb") as handle:
        handle.write(lay_boot_code(code, bytes(_table(geometry, identity))))
        handle.truncate(geometry.size)
    common = (content, found, image)
    ids = (str(identity.root), str(identity.hash_seed))
    with ThreadPoolExecutor(1) as beside:
        boot = (geometry.boot, settings.boot_label, identity.volume)
        making_boot = beside.submit(make_boot, lanes[1], *common, *boot)
        make_root(lanes[0], *common, geometry.root, settings.root_label, ids)
        making_boot.result()
    return geometry


def _table(geometry: Geometry, identity: Identity) -> Mbr:
    boot, root = (
        (place.offset // SECTOR, place.length // SECTOR) for place in (geometry.boot, geometry.root)
    )
    return Mbr(
        identity.disk,
        (Partition(1, FAT32_LBA, *boot, bootable=True), Partition(2, LINUX, *root)),
    )


def _round_up(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
