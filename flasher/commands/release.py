"""Releases for the nodes of a rig: a repository of plain, signed files, and what goes into it."""

from __future__ import annotations

import argparse
from pathlib import Path

from autosetup.rollout_plan import MOST_AT_ONCE, MOST_SPACING_SECONDS
from flasher.arguments import whole
from flasher.commands._sites import add_unlock
from flasher.console import Console
from flasher.errors import BadInput

EXAMPLE = (
    "flasher release init /srv/updates\n"
    "  flasher release new --scanner body-16x7 --site studio --canary SEG1-CAM1\n"
    "  flasher release sign\n"
    "  flasher release publish"
)

_ACTIONS = """init FOLDER: make a repository and its keys; new: draft a release; sign: with the
site's key, and with the sealed targets key for the first release of a site and a new agent;
publish: put it in force, or copy what is in force; discard: throw the draft away; show: what is in
force, and until when; renew: what would end soon; root: sign the next root, with other keys where
asked for"""
ACTIONS = ("init", "new", "sign", "publish", "discard", "show", "renew", "root")
CHANGES = ("root", "targets", "online")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=ACTIONS, help=_ACTIONS)
    parser.add_argument("folder", nargs="?", type=Path, help="init: where the repository goes")
    parser.add_argument("--repository", default="", help="its name or folder, if there are several")
    _add_new(parser.add_argument_group("new"))
    out = parser.add_argument_group("publish")
    out.add_argument("--to", type=Path, metavar="FOLDER", help="copy what is in force there, too")
    out.add_argument(
        "--stick", type=Path, metavar="FOLDER", help="the same, as nodes look for it on a stick"
    )
    keys = parser.add_argument_group("keys")
    keys.add_argument("--name", default="", help="init: of the repository; else the folder's")
    keys.add_argument("--root-keys", type=int, metavar="N", help="init, root: how many; at first 1")
    keys.add_argument(
        "--threshold", type=int, metavar="N", help="how many of them must sign; at first 1"
    )
    keys.add_argument(
        "--replace", action="append", choices=CHANGES, default=[], help="root: make new keys"
    )
    keys.add_argument(
        "--targets", action="store_true", help="renew: the repository's own targets as well"
    )
    keys.add_argument("--keys", type=Path, metavar="FOLDER", help="where the sealed keys lie now")
    keys.add_argument(
        "--passphrase-fd", type=int, help="file descriptor to read the sealed keys' passphrase from"
    )
    add_unlock(keys)


def _add_new(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--scanner", metavar="P", help="scanner profile, by name or path")
    group.add_argument("--site", metavar="S", help="by name or path; also of renew")
    group.add_argument("--node", help="only these nodes, separated by commas")
    group.add_argument("--canary", help="nodes that go first, separated by commas")
    swap = "these two sit in each other's place"
    group.add_argument("--swap", action="append", default=[], metavar="A=B", help=swap)
    pace = "no more together (%(default)s)"
    group.add_argument("--at-once", type=whole(1, MOST_AT_ONCE), default=10, metavar="N", help=pace)
    lots = "without a server: between so many and the next (what fits)"
    group.add_argument(
        "--spacing", type=whole(0, MOST_SPACING_SECONDS), metavar="SECONDS", help=lots
    )
    group.add_argument("--agent", type=Path, metavar="DEB", help="the agent that nodes should run")
    instead = "though nodes of another scanner at the site may be on their way to the one before"
    group.add_argument("--instead", action="store_true", help=instead)
    forget = "though the ledger lacks cards or releases that another computer made"
    group.add_argument("--forget", action="store_true", help=forget)
    group.add_argument("--publish", action="store_true", help="sign and publish it, too")


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    if (args.folder is not None) != (args.action == "init"):
        what = "`release init` takes the folder of a new repository; other actions take none."
        raise BadInput("usage", what, "See `flasher release --help`.")
    if args.action == "new" and not (args.scanner and args.site):
        what = "`release new` needs to know for which rig."
        raise BadInput("usage", what, "Add --scanner and --site.")
    from flasher.commands import _release

    return _release.RUN[args.action](args, console)
