"""Write the card of a node: the base image with its payload, read back byte by byte."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from flasher import paths
from flasher.card.inspect import card_id_on
from flasher.commands._drives import check_drives, check_sizes, too_small
from flasher.console import Console
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard
from flasher.errors import BadInput, ExitCode
from flasher.events import CancelFlag
from flasher.image.source import ImageFile, open_image
from flasher.images import choose_image
from flasher.prepare import CardResult, NodeCard, plan_node_card, prepare_card
from flasher.progress import readable_seconds, readable_size
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import Node, RigMap, lay_out
from flasher.rig.site import load_site
from flasher.rig.twins import before_overwriting
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
    places = [Path(place) for place in _words(args.to)]
    _check_numbers(len(nodes), len(places), may_wait=console.interactive or args.dry_run)
    drives = check_drives([place for place in places if args.size is None or place.exists()])
    image = _open(choose_image(args.image), console)
    check_sizes(drives, image.size)
    if args.size is not None and args.size < image.size:
        raise too_small("the virtual card", args.size, image.size)
    ledger.prepare()
    results, plans = [], []
    for number, node in enumerate(nodes):
        place = places[number % len(places)]
        if number >= len(places) and not args.dry_run:
            console.ask(f"Put the card for {node.position} into {place}, then press Enter. ")
        card = plan_node_card(rig, node, image)
        if args.dry_run:
            plans.append(_plan(card, place, console))
        else:
            results.append(_make(card, place, args, ledger, console))
    made = [_as_json(result) for result in results]
    console.result("cards", {"planned": plans} if args.dry_run else {"cards": made})
    return ExitCode.DONE


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _check_numbers(nodes: int, places: int, *, may_wait: bool) -> None:
    """Refuse drives that no node is for, and nodes without a drive unless cards can be changed."""
    if not places or nodes < places:
        raise BadInput(
            "too-many-drives" if places else "no-drive",
            f"Cards to be made: {nodes}; drives named: {places}.",
            "Name one drive for each node.",
        )
    if nodes > places and not may_wait:
        raise BadInput(
            "too-few-drives",
            f"Cards to be made: {nodes}; drives named: {places}.",
            "Name as many drives, or run it on a terminal: it waits for the next card.",
        )


def _chosen_nodes(args: argparse.Namespace, rig: RigMap, ledger: Ledger) -> list[Node]:
    if args.node:
        return _named_nodes(_words(args.node), rig)
    made = ledger.made(rig.profile.name, rig.site.name)
    todo = [node for node in rig.nodes if node.name not in made]
    if not todo:
        raise BadInput(
            "all-made",
            f"Every node of {rig.profile.name} at {rig.site.name} has its card.",
            "To make one again, name it: --node NAME.",
        )
    return todo[:1] if args.next else todo


def _named_nodes(words: list[str], rig: RigMap) -> list[Node]:
    nodes = [rig.find(word) for word in words]
    twice = next((node for node in nodes if nodes.count(node) > 1), None)
    if twice or not nodes:
        raise BadInput(
            "node-twice" if twice else "no-node",
            f"{twice.name} is named twice." if twice else "No node is named.",
            "Two cards for one node would fight over its name: name each node once.",
        )
    return nodes


def _open(path: Path, console: Console) -> ImageFile:
    with console.progress() as emit:
        return open_image(path, emit=emit, cancel=CancelFlag())


def _plan(card: NodeCard, place: Path, console: Console) -> dict[str, object]:
    patched = sum(len(extent.data) for extent in card.plan.patch)
    console.say(
        f"{card.node.name} ({card.node.position}) → {place}: {card.plan.image.source.name}, "
        f"{readable_size(card.plan.size)}, of which {readable_size(patched)} are its own"
    )
    sizes = {"size": card.plan.size, "own_bytes": patched}
    return {"node": card.node.name, "position": card.node.position, "to": str(place), **sizes}


def _make(
    card: NodeCard, place: Path, args: argparse.Namespace, ledger: Ledger, console: Console
) -> CardResult:
    is_new = bool(args.size) and not place.exists()
    try:
        drive = create_virtual_card(place, args.size) if is_new else guard(find_drive(str(place)))
        _confirm(card, drive, ledger, console, yes=args.yes)
        with console.progress() as emit:
            result = prepare_card(card, drive, ledger, emit=emit, cancel=CancelFlag())
    except BaseException:
        if is_new:  # a card that was never whole does not keep the name
            place.unlink(missing_ok=True)
        raise
    if is_new:
        paths.hand_over(place)
    console.say(
        f"{result.node.name} is ready on {result.drive}: "
        f"{readable_size(result.bytes_written)} written and read back "
        f"in {readable_seconds(result.seconds)}.\n"
        f"Take the card out and write {result.node.position} on it."
    )
    return result


def _confirm(card: NodeCard, drive: Drive, ledger: Ledger, console: Console, *, yes: bool) -> None:
    rig, on_drive = card.rig, card_id_on(drive.path)
    now = card.identity.planned_at
    past = before_overwriting(ledger.entries(), card.node.name, rig.site.name, now, on_drive)
    # A blank virtual card holds nothing that could be lost.
    if drive.kind == "file" and drive.holds == "empty" and not past:
        return
    lines = (
        f"{drive.path} ({readable_size(drive.size)}, {drive.model or drive.kind}) holds: "
        f"{drive.holds}.",
        *past,
        f"All of it will be lost, and it becomes {card.node.name}.",
    )
    console.confirm("\n".join(lines), yes=yes)


def _as_json(result: CardResult) -> dict[str, object]:
    return {**asdict(result), "node": result.node.name, "position": result.node.position}
