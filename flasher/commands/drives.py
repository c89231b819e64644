"""Which drives are there, what they hold, and which of them may be written."""

from __future__ import annotations

import argparse

from flasher.console import Console
from flasher.drives.linux import LinuxCatalog
from flasher.drives.model import Drive
from flasher.errors import ExitCode
from flasher.progress import readable_size

EXAMPLE = "flasher drives"


def configure(_parser: argparse.ArgumentParser) -> None:
    """The command has no arguments of its own."""


def run(_args: argparse.Namespace, console: Console) -> int:
    """List the drives, those that may be written first."""
    drives = sorted(LinuxCatalog().drives(), key=lambda drive: (bool(drive.refusal), drive.path))
    console.table(("DRIVE", "SIZE", "KIND", "NAME", "HOLDS", "WRITING"), [_row(d) for d in drives])
    if not any(drive.refusal is None for drive in drives):
        console.say("\nNo drive may be written: put a card into a reader.")
    console.result("drives", {"drives": [_as_json(drive) for drive in drives]})
    return ExitCode.DONE


def _row(drive: Drive) -> tuple[object, ...]:
    name = " ".join(filter(None, (drive.vendor, drive.model)))
    allowed = f"no: {drive.refusal}" if drive.refusal else "yes"
    return (drive.path, readable_size(drive.size), drive.kind, name, drive.holds, allowed)


def _as_json(drive: Drive) -> dict[str, object]:
    return {
        "path": str(drive.path),
        "size": drive.size,
        "kind": drive.kind,
        "vendor": drive.vendor,
        "model": drive.model,
        "serial": drive.serial,
        "read_only": drive.read_only,
        "holds": drive.holds,
        "refusal": drive.refusal,
    }
