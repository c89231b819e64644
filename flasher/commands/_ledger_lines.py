"""Which lines of the ledger a command is about."""

from __future__ import annotations

import argparse

from flasher.arguments import separated
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose lines; without them, all are chosen."""
    parser.add_argument("--site", help="only cards of this site")
    parser.add_argument("--scanner", help="only cards of this scanner profile")
    parser.add_argument("--node", default="", help="only cards of these nodes, separated by commas")


def chosen_lines(args: argparse.Namespace) -> tuple[Entry, ...]:
    """The lines that the options choose, oldest first."""
    nodes = {word.lower() for word in separated(args.node)}
    return tuple(
        entry
        for entry in Ledger().entries()
        if (args.site is None or entry.site == args.site)
        and (args.scanner is None or entry.profile == args.scanner)
        and (not nodes or nodes & {entry.node, entry.position.lower()})
    )
