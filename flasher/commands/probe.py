"""Find out whether a card has the capacity and the speed that it must have.

Writes marks all over the card, looks for them, and puts back what was there.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from flasher.card.probing.probe import THOROUGH, ProbeResult, check_honest, check_speed, examine
from flasher.card.target import open_target
from flasher.commands._drives import add_serial, check_drives, holding
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.progress import readable_seconds, readable_size

EXAMPLE = "flasher probe /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("drive", help="block device or file")
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="also find cards that remember up to 1 GiB of what they cannot keep; takes a minute",
    )
    add_serial(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask before writing")


def run(args: argparse.Namespace, console: Console) -> int:
    """Done if the card is good."""
    (drive,) = check_drives([args.drive], args.serial)
    console.confirm(
        f"{holding(drive, agreed=args.yes)}\n"
        "Some of it is overwritten and put back, the partition table too; if the power fails "
        "meanwhile, that is lost.",
        yes=args.yes,
    )
    with console.progress() as emit, open_target(drive) as target:
        overrun = THOROUGH if args.thorough else 0
        result = examine(target, target.size, emit=emit, cancel=CancelFlag(), overrun=overrun)
        if result.kind == "good":
            check_speed(drive.path, result, emit)
    console.result("probed", {"drive": str(drive.path), **_as_json(result)})
    check_honest(drive.path, result)
    console.say(f"{drive.path} is what it says: {_words(result)}.")
    return ExitCode.DONE


def _words(result: ProbeResult) -> str:
    return (
        f"{readable_size(result.announced)}, {result.write_speed:.0f} MB/s of writing and "
        f"{result.read_speed:.0f} MB/s of reading, in {readable_seconds(result.seconds)}"
    )


def _as_json(result: ProbeResult) -> dict[str, object]:
    told = asdict(result)
    speeds = {name: round(told[name], 1) for name in ("write_speed", "read_speed")}
    return {"verdict": told.pop("kind"), **told, **speeds}
