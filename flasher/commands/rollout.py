"""How a release gets to its nodes: where it stands, stopped, gone on with, or taken back."""

from __future__ import annotations

import argparse
from pathlib import Path

from flasher.commands._sites import add_unlock
from flasher.console import Console

EXAMPLE = "flasher rollout status --site studio"

_ACTIONS = """status: which nodes have it; pause: no further node begins; go: they go on; back:
nodes that have it go back to the generation before, and no other takes it"""
ACTIONS = ("status", "pause", "go", "back")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=ACTIONS, help=_ACTIONS)
    parser.add_argument("--site", metavar="S", help="by name or path, if there are several")
    parser.add_argument("--repository", default="", help="its name or folder, if there are several")
    parser.add_argument("--yes", action="store_true", help="back: do not ask")
    parser.add_argument("--keys", type=Path, metavar="FOLDER", help="where the sealed keys lie now")
    parser.add_argument(
        "--passphrase-fd", type=int, help="their passphrase, should the targets key be needed"
    )
    add_unlock(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    from flasher.commands import _rollout

    return (
        _rollout.status(args, console)
        if args.action == "status"
        else _rollout.change(args, console)
    )
