"""Releases for the nodes of a rig: a repository of plain, signed files, and what goes into it."""

from __future__ import annotations

import argparse
from pathlib import Path

from autosetup.rollout_plan import MOST_AT_ONCE, MOST_SPACING_SECONDS
from autosetup.time_floor import TIMESTAMP_DAYS
from flasher.arguments import Action, Parser, whole
from flasher.commands._repositories import add_keys, add_passphrase, add_repository
from flasher.commands._sites import add_unlock
from flasher.console import Console

EXAMPLE = (
    "flasher release init /srv/updates\n"
    "  flasher release new --scanner body-16x7 --site studio --canary SEG1-CAM1\n"
    "  flasher release sign\n"
    "  flasher release publish"
)

CHANGES = ("root", "targets", "online")


def configure(parser: Parser) -> None:
    """Add the command's actions."""
    parser.add_actions(ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    from flasher.commands import _release

    return _release.RUN[args.action](args, console)


def _add_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scanner", metavar="P", required=True, help="profile, by name or path")
    parser.add_argument("--site", metavar="S", required=True, help="by name or path")
    parser.add_argument("--node", default="", help="only these nodes, separated by commas")
    parser.add_argument("--canary", default="", help="nodes that go first, separated by commas")
    swap = "these two sit in each other's place"
    parser.add_argument("--swap", action="append", default=[], metavar="A=B", help=swap)
    pace = "no more together (%(default)s)"
    parser.add_argument(
        "--at-once", type=whole(1, MOST_AT_ONCE), default=10, metavar="N", help=pace
    )
    lots = "without a server: between so many and the next (what fits)"
    parser.add_argument(
        "--spacing", type=whole(0, MOST_SPACING_SECONDS), metavar="SECONDS", help=lots
    )
    parser.add_argument("--agent", type=Path, metavar="DEB", help="the agent that nodes should run")
    instead = "though nodes of another scanner at the site may be on their way to the one before"
    parser.add_argument("--instead", action="store_true", help=instead)
    forget = "though the ledger lacks cards or releases that another computer made"
    parser.add_argument("--forget", action="store_true", help=forget)
    parser.add_argument("--publish", action="store_true", help="sign and publish it, too")


def _add_copies(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="copy what is in force there")
    parser.add_argument(
        "--stick", type=Path, metavar="FOLDER", help="the same, as nodes look for it on a stick"
    )


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the repository goes")
    parser.add_argument("--name", default="", help="of the repository; else the folder's")


def _add_root_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root-keys", type=int, metavar="N", help="how many; at first 1")
    parser.add_argument(
        "--threshold", type=int, metavar="N", help="how many of them must sign; at first 1"
    )


def _add_replace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--replace", action="append", choices=CHANGES, default=[], help="make new keys"
    )


def _add_prune(parser: argparse.ArgumentParser) -> None:
    newest, lately = whole(1, 10_000), whole(1, 36_500)
    kept = "so many newest versions stay, however old (%(default)s)"
    parser.add_argument("--keep", type=newest, default=3, metavar="N", help=kept)
    kept = "what was in force within so many days stays (%(default)s)"
    parser.add_argument("--days", type=lately, default=TIMESTAMP_DAYS, metavar="N", help=kept)
    parser.add_argument("--dry-run", action="store_true", help="only tell how much would go")


def _add_renew(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", metavar="S", help="what it signed as well, by name or path")
    parser.add_argument(
        "--targets", action="store_true", help="the repository's own targets as well"
    )


ACTIONS = {
    "init": Action(
        "make a repository and its keys",
        "flasher release init /srv/updates",
        (_add_init, _add_root_keys, add_passphrase),
    ),
    "new": Action(
        "draft a release, and tell what it changes for whom",
        "flasher release new --scanner body-16x7 --site studio --canary SEG1-CAM1",
        (_add_new, _add_copies, add_repository, add_keys, add_unlock),
    ),
    "sign": Action(
        "sign the draft, with the targets key as well if that is needed",
        "flasher release sign",
        (add_repository, add_keys, add_unlock),
    ),
    "publish": Action(
        "put the signed draft in force, or copy what is in force",
        "flasher release publish --stick /media/STICK",
        (_add_copies, add_repository),
    ),
    "discard": Action("throw the draft away", "flasher release discard", (add_repository,)),
    "show": Action("what is in force, and until when", "flasher release show", (add_repository,)),
    "renew": Action(
        "sign anew what would end soon",
        "flasher release renew --site studio",
        (_add_renew, add_repository, add_keys, add_unlock),
    ),
    "prune": Action(
        "remove what no node needs any more",
        "flasher release prune --dry-run",
        (_add_prune, add_repository),
    ),
    "root": Action(
        "sign the next root, with other keys where asked for",
        "flasher release root --replace online",
        (_add_replace, _add_root_keys, add_repository, add_keys),
    ),
}
