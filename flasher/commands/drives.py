"""Which drives are there, what they hold, and which of them may be written."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.drives.linux import LinuxCatalog
from flasher.drives.model import Drive, may_start_by_itself
from flasher.drives.protect import protect, unprotect
from flasher.drives.watch import Changed, DriveEvent, Gone, open_signal, watch
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.progress import readable_size

EXAMPLE = "flasher drives --watch"
_HEADINGS = ("DRIVE", "SIZE", "KIND", "NAME", "SERIAL", "PORT", "HOLDS", "WRITING")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("drive", nargs="*", help="only these; loop devices count when named")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--watch", action="store_true", help="go on telling what comes and goes")
    what.add_argument("--protect", metavar="DRIVE", help="never write to this drive")
    what.add_argument("--unprotect", metavar="DRIVE", help="the same, or its serial or port")
    parser.add_argument(
        "--by-port", action="store_true", help="protect the reader at this port, whatever is in it"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """List the drives, those that may be written first; or watch them; or protect one."""
    if args.protect:
        return _protect(args.protect, console, by_port=args.by_port)
    if args.unprotect:
        return _unprotect(args.unprotect, console)
    named = [find_drive(name) for name in args.drive]
    if args.watch:
        return _watch(LinuxCatalog(frozenset(drive.path.name for drive in named)), console)
    return _list(named or LinuxCatalog().drives(), console)


def _list(found: Iterable[Drive], console: Console) -> int:
    drives = sorted(found, key=lambda drive: (bool(drive.obstacle), drive.path))
    console.table(_HEADINGS, [_row(drive) for drive in drives])
    if not any(drive.obstacle is None for drive in drives):
        console.say("\nNo drive may be written: put a card into a reader.")
    console.result("drives", {"drives": [_as_json(drive) for drive in drives]})
    return ExitCode.DONE


def _watch(catalog: LinuxCatalog, console: Console) -> int:
    signal = open_signal()
    try:
        for event in watch(catalog, signal, CancelFlag()):
            _tell(event, console)
    finally:
        signal.close()
    return ExitCode.DONE


def _tell(event: DriveEvent, console: Console) -> None:
    word = type(event).__name__.lower()
    if isinstance(event, Gone):
        console.say(f"{word}: {event.drive.path}")
    else:
        console.say(f"{word}: {'  '.join(str(cell) for cell in _row(event.drive) if cell)}")
    other = {"other_card": event.is_other_card} if isinstance(event, Changed) else {}
    console.result("drive", {"event": word, **other, "drive": _as_json(event.drive)})


def _protect(argument: str, console: Console, *, by_port: bool) -> int:
    made = protect(find_drive(argument), by_port=by_port)
    console.say(f"Never written from now on: {made}{f' ({made.what})' if made.what else ''}.")
    console.result("protected", asdict(made))
    return ExitCode.DONE


def _unprotect(argument: str, console: Console) -> int:
    if Path(argument).exists():
        drive = find_drive(argument)
        taken = unprotect(drive.serial, drive.port)
    else:
        taken = unprotect(argument, argument)
    console.say(f"No longer protected: {', '.join(map(str, taken))}.")
    console.result("unprotected", {"drives": [asdict(one) for one in taken]})
    return ExitCode.DONE


def _row(drive: Drive) -> tuple[object, ...]:
    name = " ".join(filter(None, (drive.vendor, drive.model)))
    size = readable_size(drive.size)
    known = (drive.path, size, drive.kind, name, drive.serial, drive.port, drive.holds)
    return (*known, _writing(drive))


def _writing(drive: Drive) -> str:
    if drive.refusal:
        return f"no: {drive.refusal}"
    if drive.obstacle:
        return f"with --serial: {drive.obstacle}"
    if drive.read_only:
        return "no: write-protected"
    return f"yes; unmounted first from {', '.join(drive.mounted)}" if drive.mounted else "yes"


def _as_json(drive: Drive) -> dict[str, object]:
    """Every field; and whether a card may be written without being asked for."""
    fields = {key: value for key, value in asdict(drive).items() if key != "named"}
    by_itself = may_start_by_itself(drive)
    return {**fields, "path": str(drive.path), "may_start_by_itself": by_itself}
