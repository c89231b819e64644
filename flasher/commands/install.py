"""Put a root file system on a card, from a folder or a tarball: partitions, file systems, files."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from builder.disk import DATA_LABEL, Geometry, Identity
from builder.doubts import find_doubts
from builder.mount_names import BOOT, DATA, ROOT, Names, adopt
from builder.recipe import ImageSettings
from builder.rootfs import RootFs, open_rootfs, watching, with_names
from builder.scratch import scratch_folder
from builder.space import require_room
from builder.tailored import (
    HostTools,
    least_boot,
    make_filled_card,
    plan_partitions,
    require_fits,
)
from flasher import paths
from flasher.commands import _new_card as new_card
from flasher.commands._drives import taking
from flasher.commands._lanes import as_json, making_of, words
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.events import CancelFlag, Emit, Noted, step

EXAMPLE = "flasher install rootfs.tar.zst /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("rootfs", type=Path, help="folder, .tar, .tar.gz, .tar.xz or .tar.zst")
    parser.add_argument("drive", help="block device or file")
    new_card.configure(parser)
    parser.add_argument(
        "--new-ids",
        action="store_true",
        help="ids that no other card has, and fstab and cmdline.txt made to fit; without it, the "
        "card gets the names that the tree asks for",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Ask, make an image of the tree as large as the card, write what of it means something."""
    sizes, labels = new_card.read_sizes(args), new_card.read_labels(args)
    HostTools().require("mcopy", "mmd")
    drive, size = new_card.find_place(args, sizes, args.rootfs)
    if not args.dry_run:
        new_card.confirm(drive, console, f"a card of {args.rootfs.name}", yes=args.yes)
    cancel = CancelFlag()
    with scratch_folder(paths.cache() / "cards") as folder:
        with console.progress() as emit:
            rootfs = open_rootfs(
                args.rootfs, folder, data=sizes.data != 0, emit=emit, cancel=cancel
            )
        if args.boot is None:
            sizes = replace(sizes, boot=least_boot(rootfs.found, sizes.boot))
        geometry = plan_partitions(size, sizes)
        require_fits(geometry, rootfs.found)
        names = _names(rootfs, labels, new_ids=args.new_ids)
        rows = new_card.show(geometry, names.labels, console)
        told = {"rootfs": str(args.rootfs), "drive": args.drive, "partitions": rows}
        if args.dry_run:
            console.result("planned", told)
            return ExitCode.DONE
        require_room(folder, rootfs.size, "What goes on the card")
        with console.progress() as emit, taking(drive, Path(args.drive), args.size) as card:
            image = _make(folder, geometry, names, rootfs, emit, new_ids=args.new_ids)
            done = new_card.put(image, card, making_of(args), emit, cancel)
    console.say(f"{card.path} holds {args.rootfs.name}: {words(done)}.")
    console.result("installed", {**told, **as_json(done)})
    return ExitCode.DONE


def _names(rootfs: RootFs, labels: Mapping[int, str], *, new_ids: bool) -> Names:
    """What the partitions are called: as a person said, else as the tree asks for."""
    usual = ImageSettings()
    # The same tree gives the same ids, so that writing it once more writes what has changed.
    key = secrets.token_hex() if new_ids else repr(replace(rootfs.found, oldest=0))
    names = Names(
        Identity.from_key(key),
        {BOOT: usual.boot_label, ROOT: usual.root_label, DATA: DATA_LABEL, **labels},
    )
    asked = rootfs.references
    if new_ids:
        asked = tuple(each for each in asked if each.name.startswith("LABEL="))
    return adopt(names, asked, keep=labels)


def _make(
    folder: Path, geometry: Geometry, names: Names, rootfs: RootFs, emit: Emit, *, new_ids: bool
) -> Path:
    rootfs, wrong = with_names(rootfs, names, folder)
    for each in wrong:
        said = f"{each.place} names {each.name}: on the card it names {names.of(each.slot)[0]}."
        emit(Noted(rootfs.name, said, warning=not new_ids))
    image = folder / "image" / rootfs.name  # by which the ledger knows it
    image.parent.mkdir()
    with (
        step(emit, rootfs.name, "fill", rootfs.size, "bytes") as progress,
        watching(image, progress),
    ):
        make_filled_card(image, geometry, names, rootfs.content, rootfs.found, rootfs.inside)
    for doubt in find_doubts(image, rootfs):
        emit(Noted(rootfs.name, str(doubt), warning=True))
    return image
