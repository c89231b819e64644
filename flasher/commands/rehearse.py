"""Boot a card in an emulated Raspberry Pi, or PC, and wait for the node's own result."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from autosetup.status import Status, headline
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.progress import readable_seconds
from flasher.rehearsal.run import DEFAULT_TIMEOUT, Rehearsal, rehearse

EXAMPLE = "flasher rehearse card.img"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("card", help="drive or virtual card")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="boot the virtual card itself, so that it remembers; default: a copy, thrown away",
    )
    parser.add_argument(
        "--uefi",
        action="store_true",
        help="a card for PCs: start it as new firmware does; default: as a BIOS does",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=DEFAULT_TIMEOUT, help="seconds (%(default)s)"
    )


def _seconds(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return int(text)


def run(args: argparse.Namespace, console: Console) -> int:
    """Done only if the node itself says done."""
    with console.progress() as emit:
        rehearsal = rehearse(
            find_drive(args.card).path,
            emit=emit,
            cancel=CancelFlag(),
            keep=args.keep,
            timeout_seconds=args.timeout,
            firmware="uefi" if args.uefi else "bios",
        )
    _say(rehearsal, console)
    done = rehearsal.status is not None and rehearsal.status.state == "done"
    console.result("rehearsal", _as_json(rehearsal))
    return ExitCode.DONE if done else ExitCode.FAILED


def _say(rehearsal: Rehearsal, console: Console) -> None:
    if rehearsal.status:
        _say_status(rehearsal.status, console)
    took = readable_seconds(rehearsal.seconds)
    console.say(f"booted in {took} as a {rehearsal.board} from {rehearsal.card}")
    for what in rehearsal.not_rehearsed:
        console.say(f"not rehearsed: {what}")


def _say_status(status: Status, console: Console) -> None:
    console.say(f"\n{headline(status)}")
    console.say(f"address: {', '.join(status.addresses) or 'none'}")
    for step in status.steps:
        changed = "changed" if step.changed else "was so"
        console.say(f"  {step.name:<14} {readable_seconds(step.seconds):>9}  {changed}")
    if status.reason:
        console.say(f"  {status.reason}\n  → {status.hint}")


def _as_json(rehearsal: Rehearsal) -> dict[str, object]:
    return {
        "card": str(rehearsal.card),
        "board": rehearsal.board,
        "seconds": round(rehearsal.seconds, 1),
        "status": asdict(rehearsal.status) if rehearsal.status else None,
        "not_rehearsed": list(rehearsal.not_rehearsed),
    }
