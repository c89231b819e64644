"""Compare a card, byte by byte, with what it must hold: the image and the payload that it names.

Of a card that a node has lived on, say which differences that explains.
"""

from __future__ import annotations

import argparse

from flasher.card.faults import CardMismatch
from flasher.card.lived import Lived, compare_lived, has_lived
from flasher.card.plan import CardPlan
from flasher.card.replan import replan
from flasher.card.target import open_for_reading
from flasher.card.verify import verify_card
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.drives.model import Drive
from flasher.drives.opening import drive_blocks
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.image.source import open_image
from flasher.images import choose_image, image_place
from flasher.progress import readable_seconds, readable_size

EXAMPLE = "flasher verify /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("card", help="drive or file")
    parser.add_argument(
        "--image", type=image_place, help="what it was written from; default: the newest"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Done if every byte is there, or what is not is explained by a node's life on the card."""
    drive = find_drive(args.card)
    cancel = CancelFlag()
    plan: CardPlan | None = None
    with console.progress() as emit:
        path = choose_image(args.image, emit=emit, cancel=cancel)
        image = open_image(path, emit=emit, cancel=cancel)
        with drive_blocks(drive.path) as blocks:
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


def _tell_lived(drive: Drive, lived: Lived, console: Console) -> int:
    console.say(f"{drive.path} was in a Pi. Since it was written, this became different:")
    for text in lived.explained:
        console.say(f"  {text}")
    for text in lived.unexplained:
        console.say(f"! {text}")
    content = {"explained": lived.explained, "unexplained": lived.unexplained}
    if lived.unexplained:
        raise CardMismatch(
            "card-differs",
            f"On {drive.path}, a node's life does not explain: {'; '.join(lived.unexplained)}.",
            "`flasher inspect` tells what the node said; to be sure, prepare the card again.",
        )
    console.say(f"A node's life explains all of it.\n{_take_out(drive)}")
    console.result("verified", {"card": str(drive.path), **content})
    return ExitCode.DONE


def _take_out(drive: Drive) -> str:
    return f"To take it out: flasher eject {drive.path}"
