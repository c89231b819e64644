"""Write the card of a node: the base image with its payload, read back byte by byte."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path

from flasher.arguments import separated
from flasher.card.inspect import card_id_on
from flasher.commands._drives import (
    add_serial,
    check_drives,
    check_sizes,
    check_source,
    too_small,
)
from flasher.commands._lanes import add_making, failure, settle
from flasher.commands._node_cards import Job, make_cards
from flasher.commands._sites import add_unlock, load
from flasher.console import Console
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.events import CancelFlag
from flasher.image.source import ImageFile, open_image
from flasher.images import choose_image, image_place
from flasher.prepare import CardResult, NodeCard, plan_node_card, tell_no_releases
from flasher.progress import readable_size
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import own_scripts_of
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import Node, RigMap, lay_out
from flasher.rig.wrong_clock import tell_wrong_clock
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
    parser.add_argument(
        "--image", type=image_place, help="base image or its URL; default: the newest"
    )
    parser.add_argument("--size", type=parse_size, help="create the virtual card, such as 4G")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask before overwriting")
    add_serial(parser)
    add_unlock(parser)
    add_making(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Check everything first; then make the cards of as many nodes at once as there are drives."""
    rig = lay_out(load_profile(args.scanner), *load(args.site, args, console))
    ledger = Ledger()
    nodes = _chosen_nodes(args, rig, ledger)
    places = [Path(place) for place in separated(args.to)]
    _check_numbers(len(nodes), len(places), may_wait=console.interactive or args.dry_run)
    there = [place for place in places if args.size is None or place.exists()]
    drives = check_drives(there, args.serial)
    image = _open(args.image, console)
    check_source(drives, image.source)
    check_sizes(drives, image.size)
    if args.size is not None and args.size < image.size:
        raise too_small("the virtual card", args.size, image.size)
    ledger.prepare()
    with console.progress() as emit:
        tell_wrong_clock(ledger.entries(), emit)
        tell_no_releases(rig, nodes, image, emit)
    pairs = list(zip(nodes, cycle(places), strict=False))
    if args.dry_run:
        planned = [_plan(plan_node_card(rig, node, image), place, console) for node, place in pairs]
        console.result("cards", {"planned": planned})
        return ExitCode.DONE
    outcomes: list[CardResult | FlasherError] = []
    for first in range(0, len(pairs), len(places)):
        batch = pairs[first : first + len(places)]
        if first:
            before = pairs[first - len(places) : first]
            _tell_failed(before, outcomes[-len(places) :], console)
            _await_cards(batch, outcomes, console)
        outcomes += make_cards([Job.of(rig, *pair, image, args) for pair in batch], ledger, console)
    made = [_as_json(pair[0], outcome) for pair, outcome in zip(pairs, outcomes, strict=True)]
    return settle(outcomes, console, "cards", {"cards": made})


def _change_cards(batch: Sequence[tuple[Node, Path]]) -> str:
    changes = (f"the card for {node.position} into {place}" for node, place in batch)
    return f"Put {', '.join(changes)}, then press Enter. "


def _tell_failed(
    batch: Sequence[tuple[Node, Path]],
    outcomes: Sequence[CardResult | FlasherError],
    console: Console,
) -> None:
    """Which cards are no good, and why, while they are still in their readers."""
    for (node, place), outcome in zip(batch, outcomes, strict=True):
        if isinstance(outcome, FlasherError):
            console.warn(f"{node.name} has no card yet; do not use the one in {place}:")
            console.error(outcome)


def _await_cards(
    batch: Sequence[tuple[Node, Path]],
    outcomes: Sequence[CardResult | FlasherError],
    console: Console,
) -> None:
    """Ask for the next cards, until none that was just made is left; `--yes` means no such card."""
    made = {
        outcome.card_id: outcome.node.name
        for outcome in outcomes
        if not isinstance(outcome, FlasherError)
    }
    while True:
        console.ask(_change_cards(batch))
        found = {place: made.get(card_id_on(place)) for _, place in batch}
        left = {place: node for place, node in found.items() if node}
        if not left:
            return
        for place, node in left.items():
            console.warn(f"In {place} is still the card of {node}, made just now.")


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
        return _named_nodes(separated(args.node), rig)
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


def _open(named: Path | str | None, console: Console) -> ImageFile:
    """The image with its digest, which stands in each payload."""
    cancel = CancelFlag()
    with console.progress() as emit:
        image = open_image(choose_image(named, emit=emit, cancel=cancel), emit=emit, cancel=cancel)
        image.learn_digest(emit=emit, cancel=cancel)
    return image


def _plan(card: NodeCard, place: Path, console: Console) -> dict[str, object]:
    patched = sum(len(extent.data) for extent in card.plan.patch)
    console.say(
        f"{card.node.name} ({card.node.position}) → {place}: {card.plan.image.source.name}, "
        f"{readable_size(card.plan.size)}, of which {readable_size(patched)} are its own"
    )
    own = [script.file for script in own_scripts_of(card.rig, card.node)]
    if own:
        console.say(f"    with scripts of yours: {', '.join(own)}")
    sizes = {"size": card.plan.size, "own_bytes": patched, "own_scripts": own}
    return {"node": card.node.name, "position": card.node.position, "to": str(place), **sizes}


def _as_json(node: Node, outcome: CardResult | FlasherError) -> dict[str, object]:
    about = {"node": node.name, "position": node.position}
    if isinstance(outcome, FlasherError):
        return {**about, **failure(outcome)}
    return {**asdict(outcome), **about}
