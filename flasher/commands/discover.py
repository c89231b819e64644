"""Which Raspberry Pis are on the local network, ours or not, and which nodes of the rig are not."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict

from autosetup.faults import shown
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.fleet.discovery.devices import Device, missing
from flasher.fleet.discovery.look import USUAL_SECONDS, Found, discover
from flasher.rig.entry import Entry
from flasher.rig.inventory import latest_cards
from flasher.rig.ledger import Ledger

EXAMPLE = "flasher discover --site studio"
_HEADINGS = ("NODE", "STATE", "ADDRESS", "MAC ADDRESS", "NAME", "KNOWN BY")
_MOST_SECONDS = 300.0
_LONGEST = 40


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--site", help="compare with the nodes of this site alone")
    parser.add_argument(
        "--seconds",
        type=float,
        default=USUAL_SECONDS,
        help="how long answers are waited for (default: %(default)s)",
    )
    parser.add_argument(
        "--interface", action="append", default=[], metavar="NAME", help="look on this one alone"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Look, and tell; finding nothing is no failure."""
    if not 0 < args.seconds <= _MOST_SECONDS:
        what = f"--seconds is {args.seconds:g}."
        raise BadInput("usage", what, f"Type a number above 0, up to {_MOST_SECONDS:g}.")
    cards = [card for card in latest_cards(Ledger().entries()) if args.site in (None, card.site)]
    found = discover(cards, args.seconds, args.interface)
    absent = missing(found.devices, cards, args.site or "")
    _tell(found, absent, console)
    console.result(
        "discovered",
        {
            "devices": [asdict(device) for device in found.devices],
            "missing": [_absent(card) for card in absent],
            "networks": found.networks,
            "could_not": found.lacks,
        },
    )
    return ExitCode.DONE


def _tell(found: Found, absent: Iterable[Entry], console: Console) -> None:
    if found.devices:
        console.table(_HEADINGS, [tuple(map(_cell, _row(device))) for device in found.devices])
    else:
        console.say("No Raspberry Pi was found.")
    if nodes := [card.node for card in absent]:
        console.say(f"\nNot found of the nodes in the ledger ({len(nodes)}): {', '.join(nodes)}")
    for line in found.lacks:
        console.warn(line)


def _row(device: Device) -> tuple[str, ...]:
    told, card = device.told, device.card
    node = card.node if card else told.get("node", "")
    state = told.get("state", "")
    if progress := told.get("progress"):
        state = f"{state} {progress}"
    if code := told.get("code"):
        state = f"{state}: {code}"
    known = card.known_by if card else "" if not node else "not in the ledger"
    return (
        node,
        state,
        ", ".join(device.addresses[:1]),
        ", ".join(device.macs),
        device.name,
        known or "its MAC address",
    )


def _cell(text: str) -> str:
    """Whatever somebody says of themselves, the terminal obeys none of it."""
    return shown(text)[:_LONGEST]


def _absent(card: Entry) -> dict[str, str]:
    names = ("node", "role", "position", "site", "profile", "card_id", "address")
    return {name: str(getattr(card, name)) for name in names}
