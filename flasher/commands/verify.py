"""Compare a card, byte by byte, with what it must hold: the image and the payload that it names."""

from __future__ import annotations

import argparse
from pathlib import Path

from flasher.card.replan import replan
from flasher.card.target import open_for_reading
from flasher.card.write import verify_card
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.drives.opening import drive_blocks
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.image.source import open_image
from flasher.images import choose_image
from flasher.progress import readable_seconds, readable_size

EXAMPLE = "flasher verify /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("card", help="drive or file")
    parser.add_argument("--image", type=Path, help="what it was written from; default: the newest")


def run(args: argparse.Namespace, console: Console) -> int:
    """Done if every byte that was to be written is there."""
    drive = find_drive(args.card)
    cancel = CancelFlag()
    with console.progress() as emit:
        image = open_image(choose_image(args.image), emit=emit, cancel=cancel)
        with drive_blocks(drive.path) as blocks:
            plan = replan(blocks, image)
        with open_for_reading(drive, plan.size) as target:
            verified = verify_card(plan, target, emit=emit, cancel=cancel)
    read, seconds = readable_size(verified.bytes_read), readable_seconds(verified.seconds)
    console.say(f"{drive.path} holds what it must: {read} compared in {seconds}.")
    console.result("verified", {"card": str(drive.path), "bytes_read": verified.bytes_read})
    return ExitCode.DONE
