"""Let a card go: unmounted, flushed, and given back by its reader."""

from __future__ import annotations

import argparse

from flasher.console import Console
from flasher.drives.eject import check_loose, eject_drive, parting_words
from flasher.drives.find import find_drive
from flasher.errors import ExitCode

EXAMPLE = "flasher eject /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("drive", nargs="+", help="block devices or files")


def run(args: argparse.Namespace, console: Console) -> int:
    """Look at every drive before the first is let go."""
    done = []
    for drive in [check_loose(find_drive(place)) for place in args.drive]:
        ejected = eject_drive(drive)
        console.say(parting_words(drive, ejected=ejected))
        done.append({"drive": str(drive.path), "ejected": ejected})
    console.result("ejected", {"drives": done})
    return ExitCode.DONE
