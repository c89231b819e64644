"""`rehearse` with several cards: a rig of emulated computers on one network."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict
from ipaddress import AddressValueError, IPv4Interface, NetmaskValueError
from pathlib import Path

from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.errors import BadInput, ExitCode
from flasher.events import CancelFlag, Emit
from flasher.progress import readable_seconds
from flasher.rehearsal.laptop import laptop_on
from flasher.rehearsal.rig import AT_ONCE, Seen, rig_on
from flasher.rehearsal.switch import switched_on


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options that are for several cards."""
    parser.add_argument(
        "--at-once",
        type=int,
        default=AT_ONCE,
        metavar="N",
        help="several cards: how many may be on their way (%(default)s)",
    )
    parser.add_argument(
        "--laptop",
        type=laptop_address,
        metavar="ADDRESS/BITS",
        help="several cards: this computer's address in the rig; its 127.0.0.1 is reached there",
    )


def laptop_address(text: str) -> IPv4Interface:
    """An address with the length of its network's prefix, such as 10.40.0.250/24."""
    try:
        found = IPv4Interface(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        found = IPv4Interface("0.0.0.0/32")
    if found.network.prefixlen > 28:  # slirp wants two more addresses
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as 10.40.0.250/24")
    return found


def check(args: argparse.Namespace) -> None:
    """What a rig cannot be told."""
    alone = (args.node, args.scanner, args.site, args.image, args.until, args.cut_power)
    if any(alone) or args.no_network or args.uefi:
        what = "Several cards are rehearsed as a rig, on one network, to their ends."
        raise BadInput("usage", what, "Leave out what is for a single card.")
    names = [Path(card).stem for card in args.cards]
    if len({*names}) < len(names):
        raise BadInput("usage", "Two cards have one name.", "Name each once.")


def run(args: argparse.Namespace, console: Console, emit: Emit) -> int:
    """Done only if each node says done."""
    cards = {Path(card).stem: find_drive(card).path for card in args.cards}
    cancel = CancelFlag()
    with ExitStack() as stack:
        switch = stack.enter_context(switched_on())
        rig = stack.enter_context(rig_on(switch, emit=emit, cancel=cancel))
        for name, card in cards.items():
            rig.add(name, card, keep=args.keep)
        if args.laptop:
            stack.enter_context(laptop_on(switch, args.laptop))
        seen = rig.start([*cards], at_once=args.at_once, timeout_seconds=args.timeout)
    _say(seen, console)
    console.result("rig", {"nodes": [_as_json(node) for node in seen]})
    is_done = all(node.status and node.status.state == "done" for node in seen)
    return ExitCode.DONE if is_done else ExitCode.FAILED


def _say(seen: tuple[Seen, ...], console: Console) -> None:
    rows = [
        (
            node.status.node or node.name if node.status else node.name,
            "no word" if node.trouble or not node.status else node.status.state,
            ", ".join(node.status.addresses) if node.status else "",
            readable_seconds(node.seconds),
            _why(node),
        )
        for node in seen
    ]
    console.table(("node", "state", "address", "on for", ""), rows)
    console.say("\nnot rehearsed: the boards themselves; other computers stand in for 64-bit Pis")


def _why(node: Seen) -> str:
    if node.trouble:
        return f"{node.trouble.what} {node.trouble.remedy}"
    return (node.status.reason or "") if node.status else "It had no more time: --timeout."


def _as_json(node: Seen) -> dict[str, object]:
    return {
        "name": node.name,
        "seconds": round(node.seconds, 1),
        "trouble": asdict(node.trouble) if node.trouble else None,
        "status": asdict(node.status) if node.status else None,
    }
