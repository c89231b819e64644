"""A sheet of labels for the cards that were made: QR code, position, node, site, day."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from flasher.commands._ledger_lines import add_filters, chosen_lines
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.exports import labels_of, write_labels
from flasher.rig.labels import parse_sheet

EXAMPLE = "flasher labels --site studio --to labels.pdf"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--to", required=True, type=Path, help="a .pdf, or an .svg for each page")
    parser.add_argument(
        "--sheet",
        default="65",
        help="labels on an A4 page: 24, 65, 80 or 270; or the size of a roll's labels "
        "in mm, such as 57x32 (%(default)s)",
    )
    parser.add_argument(
        "--skip", type=int, default=0, help="how many places of the first page are used already"
    )
    add_filters(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Lay the labels out and write the file."""
    sheet = parse_sheet(args.sheet)
    if not 0 <= args.skip < sheet.count:
        what = f"--skip is {args.skip}, and a page has {sheet.count} places."
        raise BadInput("bad-value", what, f"Give a number from 0 to {sheet.count - 1}.")
    labels = labels_of(chosen_lines(args))
    files = write_labels(args.to, labels, sheet, args.skip)
    console.say(f"{len(labels)} labels: {', '.join(map(str, files))}. Print at 100 %, not fitted.")
    told = {"files": list(map(str, files)), "labels": [asdict(label) for label in labels]}
    console.result("labels", told)
    return ExitCode.DONE
