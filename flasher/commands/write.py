"""Write an image to drives as it is, without a node's payload, and read it back."""

from __future__ import annotations

import argparse
from pathlib import Path

from flasher.card.plan import plan_card
from flasher.card.target import open_target
from flasher.card.write import write_card
from flasher.commands._drives import check_drives, check_sizes
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.image.source import open_image
from flasher.images import choose_image
from flasher.progress import readable_size

EXAMPLE = "flasher write raspios.img.xz /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("image", type=Path, help=".img, .img.zst, .img.xz or .img.gz")
    parser.add_argument("drive", nargs="+", help="block devices or files")
    parser.add_argument("--yes", action="store_true", help="do not ask before overwriting")


def run(args: argparse.Namespace, console: Console) -> int:
    """Look at every drive before the first is written."""
    path = choose_image(args.image)
    drives = check_drives(args.drive)
    for drive in drives:
        held = f"{drive.path} ({readable_size(drive.size)}) holds: {drive.holds}."
        console.confirm(f"{held}\nAll of it will be lost.", yes=args.yes)
    cancel = CancelFlag()
    written = []
    with console.progress() as emit:
        plan = plan_card(open_image(path, emit=emit, cancel=cancel), None)
        check_sizes(drives, plan.size)
        for drive in drives:
            with open_target(drive, plan.size) as target:
                done = write_card(plan, target, emit=emit, cancel=cancel)
            written.append({"drive": str(drive.path), "bytes_written": done.bytes_written})
    for drive in drives:
        console.say(f"{drive.path} holds {path.name}, written and read back.")
    console.result("written", {"image": str(path), "drives": written})
    return ExitCode.DONE
