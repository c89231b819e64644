"""Every card ever written: for which node, when, on which drive, and how it went."""

from __future__ import annotations

import argparse
import csv
from dataclasses import asdict, astuple, fields

from flasher.console import Console
from flasher.errors import ExitCode
from flasher.rig.ledger import Entry, Ledger

EXAMPLE = "flasher ledger export > cards.csv"

_ACTIONS = "for people, as CSV, or the host keys of the nodes for ~/.ssh/known_hosts"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("list", "export", "known-hosts"), help=_ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the ledger, oldest card first."""
    entries = Ledger().entries()
    if args.action == "list":
        rows = [(e.written_at, e.node, e.position, e.site, e.drive, e.result) for e in entries]
        console.table(("WRITTEN", "NODE", "POSITION", "SITE", "DRIVE", "RESULT"), rows)
    elif args.action == "known-hosts":
        latest = {(e.site, e.node): e.host_key for e in entries if e.result == "verified"}
        lines = [f"{node} {key}" for (_, node), key in latest.items() if key]
        for line in lines:
            console.say(line)
        if not lines:
            console.warn(
                "No card brought its node a host key; host_keys = true in site.toml does that."
            )
    elif not console.as_json:
        writer = csv.writer(console.out)
        writer.writerow(field.name for field in fields(Entry))
        writer.writerows(map(astuple, entries))
    console.result("ledger", {"entries": [asdict(entry) for entry in entries]})
    return ExitCode.DONE
