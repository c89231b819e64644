"""Images of exactly a card's size: partitions and file systems, empty or filled from a tree.

They are sparse files: what is made of a card of 64 GB takes a few MiB beside its content. Nothing
is mounted. The programs are this computer's own, for nobody compares such an image with another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builder.boot_fit import boot_bytes, require_boot_fits
from builder.disk import ALIGNMENT, Geometry, ext4_size, round_up, table_of
from builder.filesystems import (
    MIB,
    Content,
    Ext4,
    Runner,
    make_boot,
    make_data,
    make_empty,
    make_root,
)
from builder.measure import Measure
from builder.mount_names import BOOT, DATA, ROOT, Names
from flasher.errors import BadInput, FlasherError
from flasher.image.ranges import ByteRange
from flasher.process import Finished, ProgramFailed, find_program, run

# A FAT32 has no fewer clusters than 65,525, here of one sector each; with the tables that describe
# them. No journal takes more than half of an ext4, and here they have 32 MiB.
LEAST_BOOT, LEAST_EXT4 = 36 * MIB, 80 * MIB
_LARGEST = 2 << 40  # an MBR counts 2³² sectors
_EMPTY = Measure("", 0, 0, 0, (), (), ())


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the partitions shall be, in bytes; rounded up to 4 MiB.

    Attributes:
        root: None for all that is left.
        data: None for all that is left, 0 for no such partition.
    """

    boot: int
    root: int | None = None
    data: int | None = 0


class HostTools:
    """This computer's own programs, as `builder.filesystems.Tools`."""

    environment: Mapping[str, str] = {}

    def argv(self, program: str, *arguments: str) -> tuple[str, ...]:
        """A program by its name, wherever it is here."""
        return (Path(program).name, *arguments)

    def require(self, *programs: str) -> None:
        """Raise EnvironmentLacks unless these are installed, and those that make file systems."""
        for program in ("mke2fs", "mkfs.fat", *programs):
            find_program(program)


class Here:
    """Programs run as they are, as `builder.filesystems.Runner`."""

    def run(self, argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> Finished:
        """Run a program to its end; raises `ProgramFailed`."""
        return run(argv, env=env)


def plan_partitions(size: int, sizes: Sizes) -> Geometry:
    """Lay out the partitions of a card.

    Args:
        size: bytes of the card.
        sizes: of the partitions.

    Raises:
        BadInput: ``card-too-small``, ``partition-too-small``, ``two-rests``.
    """
    if sizes.root is None and sizes.data is None:
        what = "Two partitions cannot both take all that is left."
        raise BadInput("two-rests", what, "Give the size of one of them.")
    end = min(size, _LARGEST) // ALIGNMENT * ALIGNMENT
    boot = ByteRange(ALIGNMENT, max(round_up(sizes.boot), ALIGNMENT))
    fixed = boot.end + sum(map(round_up, filter(None, (sizes.root, sizes.data))))
    rest = end - fixed
    root = ByteRange(boot.end, max(rest if sizes.root is None else round_up(sizes.root), 1))
    data = ByteRange(root.end, max(rest if sizes.data is None else round_up(sizes.data), 1))
    parts = {"boot": boot, "root": root} | ({"data": data} if sizes.data != 0 else {})
    if rest < 0:
        what = f"The partitions take {fixed // MIB} MiB, the card has {size // MIB}."
        raise BadInput("card-too-small", what, "Make them smaller, or take a larger card.")
    for name, part in parts.items():
        _require_size(name, part.length, LEAST_BOOT if name == "boot" else LEAST_EXT4)
    return Geometry(boot, root, data if sizes.data != 0 else None)


def _require_size(name: str, size: int, least: int) -> None:
    if size < least:
        raise BadInput(
            "partition-too-small",
            f"{size // MIB} MiB are too little for the {name} partition: "
            f"it takes {least // MIB} at least.",
            "Give it more, or take a larger card.",
        )


def make_empty_card(path: Path, geometry: Geometry, names: Names, epoch: int) -> None:
    """Make an image with nothing in its file systems.

    Args:
        path: absolute; must not exist.
        geometry, names: of the partitions.
        epoch: the time of what is made, seconds since 1970.

    Raises:
        EnvironmentLacks: a program is missing.
        FlasherError: the disk is full.
    """
    tools, here = HostTools(), Here()
    tools.require()
    content = Content(path.parent, tools, epoch)
    _begin(path, geometry, names)
    make_boot(here, content, _EMPTY, path, geometry.boot, names.labels[BOOT], names.identity.volume)
    for system in _systems(geometry, names):
        make_empty(here, content, path, system)


def make_filled_card(
    path: Path, geometry: Geometry, names: Names, content: Content, found: Measure, inside: Runner
) -> None:
    """Make an image of a tree.

    Args:
        path: absolute; must not exist.
        geometry, names: of the partitions.
        content: the tree; its folder for data is taken where there is a partition for it.
        found: its measure; see `require_fits`.
        inside: where programs see the tree, with every owner.

    Raises:
        FlasherError: it does not fit after all, or the disk is full.
    """
    _begin(path, geometry, names)
    place = (geometry.boot, names.labels[BOOT], names.identity.volume)
    root, *data = _systems(geometry, names)
    try:
        make_boot(inside, content, found, path, *place)
        make_root(inside, content, found, path, root)
        for system in data:
            make_data(inside, content, found, path, system)
    except ProgramFailed as failure:
        raise _explained(failure) from failure


def require_fits(geometry: Geometry, found: Measure) -> None:
    """Refuse a tree that is too large for the partitions.

    Raises:
        FlasherError: ``boot-partition-too-small``, ``boot-file-odd``, ``root-partition-too-small``
            or ``data-partition-too-small``.
    """
    require_boot_fits(
        found,
        geometry.boot.length,
        ("Replace or rename it, and try again.", "Give it more: --boot."),
    )
    _require_ext4_fits("root", geometry.root, ext4_size(found.blocks, found.files, 0))
    if geometry.data and found.data_files:
        needed = ext4_size(found.data_blocks, found.data_files, 0)
        _require_ext4_fits("data", geometry.data, needed)


def least_boot(found: Measure, usual: int) -> int:
    """Bytes of a boot partition in which the boot files have room, and an update of the kernel."""
    return max(usual, round_up(2 * boot_bytes(found)))


def _require_ext4_fits(name: str, place: ByteRange, needed: int) -> None:
    if needed > place.length:
        raise FlasherError(
            f"{name}-partition-too-small",
            f"The tree takes about {needed // MIB} MiB; the {name} partition has "
            f"{place.length // MIB}.",
            "Take a larger card, or leave something out.",
        )


def _begin(path: Path, geometry: Geometry, names: Names) -> None:
    with path.open("xb") as handle:
        handle.write(bytes(table_of(geometry, names.identity.disk)))
        handle.truncate(geometry.size)


def _systems(geometry: Geometry, names: Names) -> Iterator[Ext4]:
    ids = names.identity
    root = Ext4(geometry.root, names.labels[ROOT], ids.root, ids.hash_seed, sparse=True)
    yield root
    if geometry.data:
        yield replace(root, place=geometry.data, label=names.labels[DATA], uuid=ids.data)


def _explained(failure: ProgramFailed) -> FlasherError:
    said = failure.finished.errors
    if "No space left on device" in said:
        what = "The disk of this computer's cache is full."
        return FlasherError("disk-full", what, "Free some space, or set FLASHER_CACHE.")
    if "Could not allocate" in said:
        what = "The tree is too large for the root partition."
        return FlasherError("root-partition-too-small", what, "Take a larger card.")
    what = f"The file systems could not be made: {said.strip() or 'a program said no'}."
    return FlasherError("cannot-fill", what, "Check this computer's disk.")
