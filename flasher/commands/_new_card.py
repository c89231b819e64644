"""What `format` and `install` share: partitions as asked for, and an image of them on a drive."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from builder.disk import ALIGNMENT, Geometry
from builder.filesystems import MIB
from builder.mount_names import BOOT, DATA, ROOT, is_label
from builder.tailored import Sizes, plan_partitions
from flasher.card.making import Made, Making
from flasher.card.plan import plan_card
from flasher.commands._drives import add_serial, check_drives, check_sizes, holding
from flasher.commands._lanes import add_making
from flasher.console import Console
from flasher.drives.model import Drive
from flasher.errors import BadInput
from flasher.events import CancelFlag, Emit
from flasher.image.ranges import ByteRange
from flasher.image.source import made_image
from flasher.progress import readable_size
from flasher.recording import make_recorded
from flasher.rig.ledger import Ledger
from flasher.sizes import parse_size

USUAL_BOOT = 256 * MIB
_REST = "rest"
_SYSTEMS = {BOOT: "FAT32", ROOT: "ext4", DATA: "ext4"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both have."""
    parser.add_argument(
        "--boot", type=parse_size, help="size of the boot partition (default: 256M)"
    )
    parser.add_argument(
        "--root",
        type=_size_or_rest,
        metavar="SIZE",
        help="of the root partition, or `rest` (default: rest)",
    )
    parser.add_argument(
        "--data",
        type=_size_or_rest,
        metavar="SIZE",
        help="add a partition for data of this size, or `rest`",
    )
    parser.add_argument("--boot-label", metavar="LABEL", help="up to 11 characters")
    parser.add_argument("--root-label", metavar="LABEL", help="up to 16 characters")
    parser.add_argument("--size", type=parse_size, help="create the virtual card, such as 4G")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask before overwriting")
    add_serial(parser)
    add_making(parser)


def _size_or_rest(text: str) -> int | str:
    return _REST if text == _REST else parse_size(text)


def read_sizes(args: argparse.Namespace) -> Sizes:
    """The sizes asked for."""
    data = None if args.data == _REST else args.data or 0
    root = None if args.root in (None, _REST) else args.root
    return Sizes(args.boot or USUAL_BOOT, root, data)


def read_labels(args: argparse.Namespace) -> dict[int, str]:
    """The labels asked for, by slot.

    Raises:
        BadInput: ``bad-label``.
    """
    asked = {BOOT: args.boot_label, ROOT: args.root_label}
    for slot, label in asked.items():
        if label is not None and not is_label(slot, label):
            raise BadInput(
                "bad-label",
                f"{label!r} cannot be the label of {_SYSTEMS[slot]}.",
                "Take letters, digits, - and _: up to 11 of them for the boot partition.",
            )
    return {slot: label for slot, label in asked.items() if label}


def find_place(args: argparse.Namespace, sizes: Sizes, *sources: Path) -> tuple[Drive | None, int]:
    """The drive that was named, or None for a virtual card to be made; and its size in bytes.

    Args:
        args: of the command.
        sizes: of the partitions.
        sources: what is to be written; the drive must not hold it.

    Raises:
        FlasherError: it may not be written, or is too small for the partitions.
    """
    place = Path(args.drive)
    if args.size is not None and not place.exists():
        plan_partitions(args.size, sizes)
        return None, args.size
    (drive,) = check_drives([place], args.serial, filter(Path.exists, sources))
    check_sizes([drive], plan_partitions(drive.size, sizes).size)
    return drive, drive.size


def confirm(drive: Drive | None, console: Console, becomes: str, *, yes: bool) -> None:
    """Ask before what a drive holds is lost; a blank virtual card holds nothing."""
    if drive is None or drive.holds_nothing:
        return
    lost = f"All of it will be lost, and it becomes {becomes}."
    console.confirm(f"{holding(drive, agreed=yes)}\n{lost}", yes=yes)


def show(
    geometry: Geometry, labels: Mapping[int, str], console: Console
) -> list[dict[str, object]]:
    """Tell how the partitions lie; the same for JSON."""
    places = {BOOT: geometry.boot, ROOT: geometry.root, DATA: geometry.data}
    there = {slot: place for slot, place in places.items() if place}
    console.table(
        ("PARTITION", "LABEL", "TYPE", "SIZE"),
        [
            (slot, labels[slot], _SYSTEMS[slot], readable_size(place.length))
            for slot, place in there.items()
        ],
    )
    return [
        {"slot": slot, "label": labels[slot], "type": _SYSTEMS[slot]} | asdict(place)
        for slot, place in there.items()
    ]


def put(made: Path, drive: Drive, making: Making, emit: Emit, cancel: CancelFlag) -> Made:
    """Write an image on the drive it was made for, and read it back."""
    # What its file systems use is found by itself; what is before them is wiped.
    plan = plan_card(made_image(made, [ByteRange(0, ALIGNMENT)]), None)
    made_card, _ = make_recorded(plan, drive, making, Ledger(), emit=emit, cancel=cancel)
    return made_card
