"""The file systems of an image: FAT32 for the firmware, ext4 for the rest, and one for data.

One tree gives the same bytes always and everywhere: the programs are those of the lock, ids and
times are given, and what lies in folders is taken in the order of its names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from uuid import UUID

from builder.bench import Bench
from builder.bootable import BOOT_PLACES
from builder.epochs import require_clock
from builder.inside import freshen
from builder.measure import BLOCK, Measure, find_arguments, measure
from builder.sandbox import Plan, run_inside, script
from flasher.image.ranges import ByteRange
from flasher.process import Finished

MIB = 1 << 20
JOURNAL_MIB = 32
_SECTOR = 512

# A FAT32 has at least 65,525 clusters (Microsoft's FAT specification 1.03, "FAT type").
_FAT32_CLUSTERS = 65525

_CONFIG = Path(__file__).with_name("mke2fs.conf")


class Tools(Protocol):
    """Where programs come from: those of a lock (`NativeRoot`), or this computer's own."""

    def argv(self, program: str, *arguments: str) -> tuple[str, ...]:
        """Command line of a program, which is named from the root: ``usr/sbin/mke2fs``."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """What the programs need to see."""
        ...


class Runner(Protocol):
    """Where programs run: a lane of a build's sandbox, or another place that shows the tree."""

    def run(self, argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> Finished:
        """Run a program to its end; raises `FlasherError` where it fails."""
        ...


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into the file systems.

    Attributes:
        tree: where programs of the lanes find it.
        tools: dosfstools, e2fsprogs and mtools.
        epoch: no time in the file systems is later; seconds since 1970.
        data: the folder that goes to a partition of its own; None where there is none.
        boot_places: where the boot folder may be, relative to the tree; see `measure`.
    """

    tree: Path
    tools: Tools
    epoch: int
    data: str | None = None
    boot_places: tuple[str, ...] = BOOT_PLACES

    def measure(self, lane: Runner) -> Measure:
        """Measure the tree."""
        told = lane.run(find_arguments(str(self.tree))).output
        return measure(told, *self.boot_places, data=self.data)

    def run(self, lane: Runner, argv: tuple[str, ...]) -> None:
        """Run one of the tools."""
        environment = {
            **self.tools.environment,
            "LC_ALL": "",  # mke2fs sorts names by their bytes, mtools reads them as UTF-8
            "LC_CTYPE": "C.UTF-8",
            "TZ": "UTC",
            "SOURCE_DATE_EPOCH": str(self.epoch),
            "E2FSPROGS_FAKE_TIME": str(self.epoch),
            "MKE2FS_CONFIG": str(_CONFIG),
            "MTOOLS_SKIP_CHECK": "1",
        }
        lane.run(argv, environment)


def freshen_layers(bench: Bench, epoch: int) -> None:
    """Move access and change times, which mke2fs takes over up to the epoch, behind that.

    Raises:
        EnvironmentLacks: ``clock-behind``.
    """
    require_clock(epoch)
    argv = script(freshen.__file__, str(epoch), *(layer.tree for layer in bench.layers))
    run_inside(Plan(argv, {}, folder=str(bench.store.root)), cancel=bench.cancel)


# --- boot ------------------------------------------------------------------------------------


def make_boot(
    lane: Runner,
    content: Content,
    found: Measure,
    image: Path,
    place: ByteRange,
    label: str,
    volume: int,
) -> None:
    """Make a FAT32 of the boot folder inside an image.

    Args:
        lane: that shows the tree.
        content: the tree.
        found: its measure.
        image: absolute path.
        place: where in the image.
        label: up to 11 characters.
        volume: the volume's id, 32 bits.
    """
    tools, target = content.tools, f"{image}@@{place.offset}"
    content.run(lane, tools.argv("usr/sbin/mkfs.fat", *_mkfs_fat(image, place, label, volume)))
    if found.boot_folders:
        folders = (f"::{name}" for name in found.boot_folders)
        content.run(lane, tools.argv("usr/bin/mmd", "-i", target, *folders))
    for folder, names in _by_folder(found).items():
        sources = (str(content.tree / found.boot_place / name) for name in names)
        argv = ("-Q", "-i", target, *sources, f"::{folder}")
        content.run(lane, tools.argv("usr/bin/mcopy", *argv))


def _by_folder(found: Measure) -> dict[str, list[str]]:
    folders = defaultdict(list)
    for name, _ in found.boot:
        parent = str(PurePosixPath(name).parent)
        folders["" if parent == "." else f"{parent}/"].append(name)
    return folders


def _mkfs_fat(image: Path, place: ByteRange, label: str, volume: int) -> tuple[str, ...]:
    wanted = 4 if place.length // (4 * _SECTOR) > _FAT32_CLUSTERS * 5 // 4 else 1
    return (
        "--invariant",  # first: it would reset the id
        *("-F", "32"),
        *("-s", str(wanted)),
        *("-n", label),
        *("-i", f"{volume:08x}"),
        *("-h", str(place.offset // _SECTOR)),
        *("--offset", str(place.offset // _SECTOR)),
        str(image),
        str(place.length // 1024),
    )


# --- root and data ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ext4:
    """An ext4 to make.

    Attributes:
        place: where in the image.
        label: up to 16 characters.
        uuid: of the file system.
        hash_seed: UUID that seeds the hashes in its folders.
        sparse: let tables that are all zeros take no room in the image, for one that is new and
            large; takes e2fsprogs 1.47.
    """

    place: ByteRange
    label: str
    uuid: UUID
    hash_seed: UUID
    sparse: bool = False


def make_root(lane: Runner, content: Content, found: Measure, image: Path, system: Ext4) -> None:
    """Make an ext4 of the tree inside an image; in it the folders of others are empty.

    Args:
        lane: that shows the tree.
        content: the tree.
        found: its measure.
        image: absolute path.
        system: what to make.
    """
    argv = _mke2fs(content, image, system, content.tree)
    if found.boot or found.boot_folders:
        argv = _hiding(str(content.tree / found.boot_place), argv)
    if content.data and found.data_files:
        argv = _hiding(str(content.tree / content.data), argv)
    content.run(lane, argv)


def make_empty(lane: Runner, content: Content, image: Path, system: Ext4) -> None:
    """Make an ext4 with nothing in it inside an image."""
    content.run(lane, _mke2fs(content, image, system, None))


def make_data(lane: Runner, content: Content, found: Measure, image: Path, system: Ext4) -> None:
    """Make an ext4 of the data folder, which need not exist; the arguments are `make_root`'s."""
    folder = content.tree / content.data if content.data and found.data_files else None
    content.run(lane, _mke2fs(content, image, system, folder))


def _mke2fs(content: Content, image: Path, system: Ext4, tree: Path | None) -> tuple[str, ...]:
    # The file is new, so a journal that is left alone is zeros all the same, and takes no room.
    zeros = "lazy_itable_init=0,lazy_journal_init=1"
    if system.sparse:
        zeros = "assume_storage_prezeroed=1"
    extended = (
        f"offset={system.place.offset},hash_seed={system.hash_seed},root_owner=0:0,"
        f"{zeros},nodiscard"
    )
    return content.tools.argv(
        "usr/sbin/mke2fs",
        *("-q", "-F", "-t", "ext4"),
        *("-b", str(BLOCK)),
        *("-m", "1"),
        *("-J", f"size={JOURNAL_MIB}"),
        *("-L", system.label),
        *("-U", str(system.uuid)),
        *("-E", extended),
        *(("-d", str(tree)) if tree else ()),
        str(image),
        str(system.place.length // BLOCK),
    )


def _hiding(folder: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command line that hides what is in a folder from one program of a lane."""
    mount = 'mount -t tmpfs -o mode=755 tmpfs "$0" && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", mount, folder, *argv)
