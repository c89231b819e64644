"""Give a card partitions and empty file systems, read back: FAT32 to start from, ext4, data."""

from __future__ import annotations

import argparse
import secrets
import time
from pathlib import Path

from builder.disk import DATA_LABEL, Identity
from builder.mount_names import BOOT, DATA, ROOT, Names
from builder.recipe import ImageSettings
from builder.scratch import scratch_folder
from builder.tailored import make_empty_card, plan_partitions
from flasher import paths
from flasher.commands import _new_card as new_card
from flasher.commands._drives import taking
from flasher.commands._lanes import as_json, making_of, words
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.events import CancelFlag

EXAMPLE = "flasher format /dev/sdX --boot 512M --data 4G"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("drive", help="block device or file")
    new_card.configure(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Ask, make an image as large as the card, write what of it means something."""
    sizes = new_card.read_sizes(args)
    usual = ImageSettings()
    labels = {BOOT: usual.boot_label, ROOT: usual.root_label, DATA: DATA_LABEL}
    labels |= new_card.read_labels(args)
    drive, size = new_card.find_place(args, sizes)
    geometry = plan_partitions(size, sizes)
    rows = new_card.show(geometry, labels, console)
    if args.dry_run:
        console.result("planned", {"drive": args.drive, "partitions": rows})
        return ExitCode.DONE
    new_card.confirm(drive, console, "empty", yes=args.yes)
    names = Names(Identity.from_key(secrets.token_hex()), labels)
    with (
        console.progress() as emit,
        scratch_folder(paths.cache() / "cards") as folder,
        taking(drive, Path(args.drive), args.size) as card,
    ):
        image = folder / "empty card"  # by which the ledger knows it
        make_empty_card(image, geometry, names, int(time.time()))
        done = new_card.put(image, card, making_of(args), emit, CancelFlag())
    console.say(f"{card.path} is formatted: {words(done)}.")
    told = {"drive": args.drive, "partitions": rows}
    console.result("formatted", {**told, **as_json(done)})
    return ExitCode.DONE
