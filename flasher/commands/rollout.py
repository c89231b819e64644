"""How a release gets to its nodes: where it stands, stopped, gone on with, or taken back."""

from __future__ import annotations

import argparse

from flasher.arguments import Action, Parser
from flasher.commands._repositories import add_keys, add_repository
from flasher.commands._sites import add_unlock
from flasher.console import Console

EXAMPLE = "flasher rollout status --site studio"


def configure(parser: Parser) -> None:
    """Add the command's actions."""
    parser.add_actions(ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    from flasher.commands import _rollout

    return (
        _rollout.status(args, console)
        if args.action == "status"
        else _rollout.change(args, console)
    )


def _add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", metavar="S", help="by name or path, if there are several")


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


_SIGNED = (_add_site, add_repository, add_keys, add_unlock)
ACTIONS = {
    "status": Action(
        "which nodes have it", "flasher rollout status --site studio", (_add_site, add_repository)
    ),
    "pause": Action("no further node begins", "flasher rollout pause", _SIGNED),
    "go": Action("nodes go on after a pause", "flasher rollout go", _SIGNED),
    "back": Action(
        "nodes that have it go back, and no other takes it",
        "flasher rollout back --site studio",
        (*_SIGNED, _add_yes),
    ),
}
