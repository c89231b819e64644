"""Read what a card says of itself, without booting or mounting it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from autosetup.status import headline
from flasher.card.inspect import CardReport, inspect_card
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.errors import ExitCode
from flasher.image.blocks import FileBlocks
from flasher.progress import readable_seconds, readable_size

EXAMPLE = "flasher inspect /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("card", help="drive or file")


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the report."""
    drive = find_drive(args.card)
    with FileBlocks(drive.path) as blocks:
        report = inspect_card(blocks)
    _say(report, console)
    console.result("card", {"card": str(drive.path), **_as_json(report)})
    return ExitCode.DONE


def _say(report: CardReport, console: Console) -> None:
    console.say(report.summary)
    for partition in report.partitions:
        size = readable_size(partition.size)
        console.say(f"  partition {partition.slot}: type {partition.type:02x}, {size}")
    if report.manifest:
        manifest = report.manifest
        console.say(f"  card {manifest.card_id}, generation {manifest.generation}")
        console.say(f"  written {manifest.flashed_at}, image {manifest.image_digest[:16]}")
    if report.status:
        status = report.status
        console.say(f"  {headline(status)}")
        for step in status.steps:
            changed = "changed" if step.changed else "was so"
            console.say(f"    {step.name:<12} {readable_seconds(step.seconds):>8}  {changed}")
        if status.hint:
            console.say(f"  → {status.hint}")
    for problem in report.problems:
        console.say(f"  ! {problem}")


def _as_json(report: CardReport) -> dict[str, object]:
    return {
        "summary": report.summary,
        "partitions": [asdict(partition) for partition in report.partitions],
        "manifest": asdict(report.manifest) if report.manifest else None,
        "status": asdict(report.status) if report.status else None,
        "problems": list(report.problems),
    }
