"""The disk image: MBR, FAT32 and ext4 made inside one sparse file, with no loop device.

The table is an MBR with FAT32 in slot 1, the only form that every Raspberry Pi's boot ROM reads.
Partitions start at multiples of 4 MiB, the erase unit that SD cards commonly have.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from builder.bench import Bench
from builder.bootable import FIRMWARE
from builder.inside import measure
from builder.recipe import ImageSettings
from builder.sandbox import Mount, script
from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange
from flasher.process import run

MIB = 1 << 20
ALIGNMENT = 4 * MIB
BLOCK = 4096
JOURNAL_MIB = 32
_SECTOR = 512

# mke2fs.conf: one inode for each 16 KiB, 256 bytes each; maps and spare descriptors come on top.
_BYTES_PER_INODE = 16384
_INODE = 256
_FIXED_OVERHEAD = 24 * MIB
_SHARE_OVERHEAD = 0.03

_CONFIG = Path(__file__).with_name("mke2fs.conf")

# A FAT32 has at least 65,525 clusters (Microsoft's FAT specification 1.03, "FAT type").
_FAT32_CLUSTERS = 65525


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
    image: Path, settings: ImageSettings, identity: Identity, bench: Bench, made_at: int
) -> Geometry:
    """Write the image of the bench's tree into a new sparse file.

    Args:
        image: absolute path; must not exist.
        settings: labels and sizes.
        identity: of disk and file systems.
        bench: with all layers and no draft.
        made_at: the time that the file systems bear, seconds since 1970.
    """
    hidden = Mount("tmpfs", str(bench.merged / FIRMWARE))
    blocks, files = _measure(bench, bench.merged, hidden)
    geometry = plan_geometry(settings, blocks, files)
    with image.open("xb") as handle:
        handle.truncate(geometry.size)
    _write_table(image, geometry, identity)
    environment = {
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(made_at),
        "E2FSPROGS_FAKE_TIME": str(made_at),
        "MKE2FS_CONFIG": str(_CONFIG),
        "MTOOLS_SKIP_CHECK": "1",
    }
    _make_boot(image, settings, identity, geometry.boot, bench, environment)
    bench.progress.reach(10)
    argv = _mke2fs(image, settings, identity, geometry.root, bench.merged)
    bench.run_host(argv, mounts=(hidden,), env=environment)
    return geometry


def used_ranges(image: Path, root: ByteRange) -> tuple[ByteRange, ...]:
    """The bytes of the image that ext4 counts as used: files, journal, inode tables, everything."""
    # dumpe2fs reads whole files only (its "?offset=" is gone in e2fsprogs 1.47.2), so it gets a
    # sparse copy of the metadata.
    metadata = image.with_name("metadata.raw")
    try:
        run(["e2image", "-r", "-o", str(root.offset), str(image), str(metadata)])
        text = run(["dumpe2fs", str(metadata)]).text
    finally:
        metadata.unlink(missing_ok=True)
    ranges, begin = [], 0
    for first, end in (*_free_blocks(text), (root.length // BLOCK,) * 2):
        if first > begin:
            ranges.append(ByteRange(root.offset + begin * BLOCK, (first - begin) * BLOCK))
        begin = end
    return tuple(ranges)


def _free_blocks(dump: str) -> list[tuple[int, int]]:
    """Free blocks as (first, end) pairs, in order, from what dumpe2fs prints for each group."""
    free = []
    for line in re.findall(r"^ +Free blocks: (.+)$", dump, re.MULTILINE):
        for span in line.split(", "):
            first, _, last = span.partition("-")
            free.append((int(first), int(last or first) + 1))
    return sorted(free)


def _measure(bench: Bench, folder: Path, *mounts: Mount) -> tuple[int, int]:
    told = bench.run_host(script(measure.__file__, str(folder)), mounts=mounts).output
    blocks, files = json.loads(told)
    return int(blocks), int(files)


def _write_table(image: Path, geometry: Geometry, identity: Identity) -> None:
    boot, root = geometry.boot, geometry.root
    table = (
        f"label: dos\nlabel-id: {identity.disk:#010x}\nunit: sectors\n\n"
        f"start={boot.offset // _SECTOR}, size={boot.length // _SECTOR}, type=c, bootable\n"
        f"start={root.offset // _SECTOR}, size={root.length // _SECTOR}, type=83\n"
    )
    run(["sfdisk", "--quiet", str(image)], stdin=table.encode())


def _make_boot(
    image: Path,
    settings: ImageSettings,
    identity: Identity,
    boot: ByteRange,
    bench: Bench,
    environment: dict[str, str],
) -> None:
    folder = bench.merged / FIRMWARE
    blocks, _ = _measure(bench, folder)
    if blocks * BLOCK > boot.length * 9 // 10:
        raise FlasherError(
            "boot-partition-too-small",
            f"The boot files take {blocks * BLOCK // MIB} MiB, too much for the boot partition of "
            f"{settings.boot_size_mib} MiB.",
            "Raise boot_size_mib in the recipe's [image].",
        )
    bench.run_host(_mkfs_fat(image, settings, identity, boot), env=environment)
    sources = tuple(str(folder / name) for name in bench.list_folder(FIRMWARE))
    if sources:
        target = f"{image}@@{boot.offset}"
        bench.run_host(("mcopy", "-s", "-m", "-Q", "-i", target, *sources, "::"), env=environment)


def _mkfs_fat(
    image: Path, settings: ImageSettings, identity: Identity, boot: ByteRange
) -> tuple[str, ...]:
    wanted = 4 if boot.length // (4 * _SECTOR) > _FAT32_CLUSTERS * 5 // 4 else 1
    return (
        "mkfs.fat",
        "--invariant",  # first: it would reset the id
        *("-F", "32"),
        *("-s", str(wanted)),
        *("-n", settings.boot_label),
        *("-i", f"{identity.volume:08x}"),
        *("-h", str(boot.offset // _SECTOR)),
        *("--offset", str(boot.offset // _SECTOR)),
        str(image),
        str(boot.length // 1024),
    )


def _mke2fs(
    image: Path, settings: ImageSettings, identity: Identity, root: ByteRange, tree: Path
) -> tuple[str, ...]:
    extended = (
        f"offset={root.offset},hash_seed={identity.hash_seed},root_owner=0:0,"
        "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
    )
    return (
        "mke2fs",
        *("-q", "-F", "-t", "ext4"),
        *("-b", str(BLOCK)),
        *("-m", "1"),
        *("-J", f"size={JOURNAL_MIB}"),
        *("-L", settings.root_label),
        *("-U", str(identity.root)),
        *("-E", extended),
        *("-d", str(tree)),
        str(image),
        str(root.length // BLOCK),
    )


def _round_up(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
