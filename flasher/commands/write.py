"""Write an image to drives as it is, without a node's payload, and read it back."""

from __future__ import annotations

import argparse

from flasher.card.lanes import Lane, run_lanes
from flasher.card.making import Made, Making
from flasher.card.plan import CardPlan, plan_card
from flasher.commands._drives import add_serial, check_drives, check_sizes, holding
from flasher.commands._lanes import add_making, as_json, making_of, settle, words
from flasher.console import Console
from flasher.drives.contents import file_system_on
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Emit
from flasher.image.mbr import has_table
from flasher.image.source import ImageFile, open_image
from flasher.images import choose_image, image_place
from flasher.recording import make_recorded
from flasher.rig.ledger import Ledger

EXAMPLE = "flasher write raspios.img.xz /dev/sdX /dev/sdY"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("image", type=image_place, help="image, raw or compressed; or its URL")
    parser.add_argument("drive", nargs="+", help="block devices or files, written all at once")
    parser.add_argument("--yes", action="store_true", help="do not ask before overwriting")
    add_serial(parser)
    add_making(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Look at every drive before the first is written; then write all of them at once."""
    cancel = CancelFlag()
    with console.progress() as emit:
        path = choose_image(args.image, emit=emit, cancel=cancel)
    drives = check_drives(args.drive, args.serial, [path])
    with console.progress() as emit:
        plan = plan_card(open_image(path, emit=emit, cancel=cancel), None)
    check_sizes(drives, plan.size)
    warnings = _doubts(plan.image)
    for warning in warnings:
        console.warn(warning)
    for drive in drives:
        held = holding(drive, agreed=args.yes)
        console.confirm(f"{held}\nAll of it will be lost.", yes=args.yes)
    with console.progress() as emit:
        lanes = [_lane(plan, drive, making_of(args), cancel) for drive in drives]
        outcomes = run_lanes(lanes, emit=emit, cancel=cancel)
    told = []
    for drive, outcome in zip(drives, outcomes, strict=True):
        if not isinstance(outcome, FlasherError):
            console.say(f"{drive.path} holds {path.name}: {words(outcome)}.")
        told.append({"drive": str(drive.path), **as_json(outcome)})
    content = {"image": str(path), "drives": told, "warnings": warnings}
    return settle(outcomes, console, "written", content)


def _doubts(image: ImageFile) -> list[str]:
    """What a person should hear of an image that may be written, but may be none."""
    if has_table(image) or file_system_on(image):
        return []
    return [f"{image.source.name} has no partition table: no Pi starts from it."]


def _lane(plan: CardPlan, drive: Drive, making: Making, cancel: CancelFlag) -> Lane[Made]:
    def work(emit: Emit) -> Made:
        made, _ = make_recorded(plan, drive, making, Ledger(), emit=emit, cancel=cancel)
        return made

    return Lane(str(drive.path), work)
