"""Write the card of a node: the base image with its payload, read back byte by byte."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from flasher.card.source import ImageFile, open_image
from flasher.commands._images import choose_image
from flasher.console import Console
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard
from flasher.errors import BadInput, ExitCode
from flasher.events import CancelFlag
from flasher.prepare import CardResult, NodeCard, plan_node_card, prepare_card
from flasher.progress import readable_seconds, readable_size
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import Node, RigMap, lay_out
from flasher.rig.site import load_site
from flasher.sizes import parse_size

EXAMPLE = "flasher prepare --scanner body-16x7 --site studio --node cam-0101 --to /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--scanner", required=True, help="scanner profile, by name or path")
    parser.add_argument("--site", required=True, help="site, by name or path")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--node", help="names or positions, separated by commas")
    which.add_argument("--next", action="store_true", help="the first node without a card")
    which.add_argument("--all", action="store_true", help="every node without a card, in turn")
    parser.add_argument("--to", required=True, help="drives or files, separated by commas")
    parser.add_argument("--image", type=Path, help="base image; default: the newest one built")
    parser.add_argument("--size", type=parse_size, help="create the virtual card, such as 4G")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask before overwriting")


def run(args: argparse.Namespace, console: Console) -> int:
    """Check everything first; then make one card after the other."""
    rig = lay_out(load_profile(args.scanner), *load_site(args.site))
    ledger = Ledger()
    nodes = _chosen_nodes(args, rig, ledger)
    places = [Path(place) for place in args.to.split(",")]
    if len(nodes) > len(places) and not (console.interactive or args.dry_run):
        raise BadInput(
            "too-few-drives",
            f"{len(nodes)} nodes need cards, and {len(places)} drives are named.",
            "Name as many drives, or run it on a terminal: it waits for the next card.",
        )
    for place in places:
        _check(place, args.size)
    image = _open(choose_image(args.image), console)
    results = []
    for number, node in enumerate(nodes):
        place = places[number % len(places)]
        if number >= len(places) and not args.dry_run:
            console.ask(f"Put the card for {node.position} into {place}, then press Enter. ")
        card = plan_node_card(rig, node, image)
        if args.dry_run:
            _say_plan(card, place, console)
        else:
            results.append(_make(card, place, args, ledger, console))
    console.result("cards", {"cards": [_as_json(result) for result in results]})
    return ExitCode.DONE


def _chosen_nodes(args: argparse.Namespace, rig: RigMap, ledger: Ledger) -> list[Node]:
    if args.node:
        return [rig.find(word) for word in args.node.split(",")]
    made = ledger.made(rig.profile.name, rig.site.name)
    todo = [node for node in rig.nodes if node.name not in made]
    if not todo:
        raise BadInput(
            "all-made",
            f"Every node of {rig.profile.name} at {rig.site.name} has its card.",
            "To make one again, name it: --node NAME.",
        )
    return todo[:1] if args.next else todo


def _check(place: Path, size: int | None) -> None:
    """Refuse a drive before any work is done for it; a virtual card may still have to be made."""
    if size is None or place.exists():
        guard(find_drive(str(place)))


def _open(path: Path, console: Console) -> ImageFile:
    with console.progress() as emit:
        return open_image(path, emit=emit, cancel=CancelFlag())


def _say_plan(card: NodeCard, place: Path, console: Console) -> None:
    patched = sum(len(extent.data) for extent in card.plan.patch)
    console.say(
        f"{card.node.name} ({card.node.position}) → {place}: {card.plan.image.source.name}, "
        f"{readable_size(card.plan.size)}, of which {readable_size(patched)} are its own"
    )


def _make(
    card: NodeCard, place: Path, args: argparse.Namespace, ledger: Ledger, console: Console
) -> CardResult:
    if args.size and not place.exists():
        create_virtual_card(place, args.size)
    drive = guard(find_drive(str(place)))
    _confirm(card, drive, console, yes=args.yes)
    with console.progress() as emit:
        result = prepare_card(card, drive, ledger, emit=emit, cancel=CancelFlag())
    console.say(
        f"{result.node.name} is ready on {result.drive}: "
        f"{readable_size(result.bytes_written)} written and read back "
        f"in {readable_seconds(result.seconds)}.\n"
        f"Take the card out and write {result.node.position} on it."
    )
    return result


def _confirm(card: NodeCard, drive: Drive, console: Console, *, yes: bool) -> None:
    # A blank virtual card holds nothing that could be lost.
    if drive.kind == "file" and drive.holds == "empty":
        return
    console.confirm(
        f"{drive.path} ({readable_size(drive.size)}, {drive.model or drive.kind}) holds: "
        f"{drive.holds}.\nAll of it will be lost, and it becomes {card.node.name}.",
        yes=yes,
    )


def _as_json(result: CardResult) -> dict[str, object]:
    return {**asdict(result), "node": result.node.name, "position": result.node.position}
