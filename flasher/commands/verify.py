"""Compare a card, byte by byte, with what it must hold: the image and the payload that it names.

Of a card that was in a Pi, or mounted elsewhere, say which differences that explains.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from flasher.card.faults import CardMismatch
from flasher.card.inspect import card_id_on
from flasher.card.lived import Lived, compare_lived, has_lived
from flasher.card.plan import CardPlan
from flasher.card.replan import replan
from flasher.card.target import open_for_reading
from flasher.card.verify import verify_card
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.drives.model import Drive
from flasher.drives.opening import drive_blocks
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.events import CancelFlag, Emit
from flasher.image.blocks import Blocks
from flasher.image.mbr import has_table
from flasher.image.source import open_image
from flasher.images import choose_image, found_image, image_folder, image_place
from flasher.progress import readable_seconds, readable_size
from flasher.rig.ledger import Ledger

EXAMPLE = "flasher verify /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("card", help="drive or file")
    parser.add_argument(
        "--image", type=image_place, help="what it was written from; default: the newest"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Done if every byte is there, or what is not is explained by the card's use."""
    drive = find_drive(args.card)
    cancel = CancelFlag()
    plan: CardPlan | None = None
    with console.progress() as emit:
        path = _choose_image(args.image, drive, emit, cancel)
        image = open_image(path, emit=emit, cancel=cancel)
        with drive_blocks(drive.path) as blocks:
            _check_whole(drive, image, blocks)
            if has_lived(image, blocks):
                lived = compare_lived(image, blocks, emit=emit, cancel=cancel)
            else:
                plan = replan(blocks, image)
        if plan:
            with open_for_reading(drive, plan.size) as target:
                verified = verify_card(plan, target, emit=emit, cancel=cancel)
        image.prove(cancel)
    if plan is None:
        return _tell_lived(drive, lived, console)
    read, seconds = readable_size(verified.bytes_read), readable_seconds(verified.seconds)
    console.say(f"{drive.path} holds what it must: {read} compared in {seconds}.")
    console.say(_take_out(drive))
    console.result("verified", {"card": str(drive.path), "bytes_read": verified.bytes_read})
    return ExitCode.DONE


def _choose_image(named: Path | str | None, drive: Drive, emit: Emit, cancel: CancelFlag) -> Path:
    """The image named, else the newest; a new one would never be what the card was written from."""
    if named is None and found_image() is None:
        known = _image_in_ledger(drive)
        told = f", {known} as the ledger has it" if known else ""
        raise BadInput(
            "no-image",
            f"No base image lies in {image_folder()}.",
            f"Name the image that the card was written from{told}: --image.",
        )
    return choose_image(named, emit=emit, cancel=cancel)


def _image_in_ledger(drive: Drive) -> str:
    """File name of the image that a node's card was written from; empty where nobody knows."""
    card_id = card_id_on(drive.path)
    with suppress(FlasherError):
        lines = Ledger().entries() if card_id else ()
        return next((line.image_name for line in reversed(lines) if line.card_id == card_id), "")
    return ""


def _check_whole(drive: Drive, image: Blocks, card: Blocks) -> None:
    """Refuse a card without a partition table, unless its image has none either."""
    if has_table(image) and not has_table(card):
        raise CardMismatch(
            "no-whole-card",
            f"{drive.path} holds no whole card: "
            "its writing was interrupted, it is blank, or no Pi's.",
            "Write it again; if its image has no partition table, name that image with --image.",
        )


def _tell_lived(drive: Drive, lived: Lived, console: Console) -> int:
    where = "in a Pi" if lived.was_in_a_pi else "in a Pi, or mounted elsewhere"
    console.say(f"{drive.path} was {where}. Since it was written, this became different:")
    for text in lived.explained:
        console.say(f"  {text}")
    for text in lived.unexplained:
        console.say(f"! {text}")
    if lived.unexplained:
        raise CardMismatch(
            "card-differs",
            f"On {drive.path}, its use does not explain: {'; '.join(lived.unexplained)}.",
            "`flasher inspect` tells what the node said; to be sure, prepare the card again.",
        )
    console.say(f"Nothing else differs.\n{_take_out(drive)}")
    console.result("verified", {"card": str(drive.path), **asdict(lived)})
    return ExitCode.DONE


def _take_out(drive: Drive) -> str:
    return f"To take it out: flasher eject {drive.path}"
