"""Serve a repository to the nodes of a rig, take their reports, and show the board."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from flasher.arguments import whole
from flasher.commands._sites import add_unlock, load
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.events import Event, Noted
from flasher.fleet.server import PORT

if TYPE_CHECKING:
    from flasher.fleet.server.offer import Offer

EXAMPLE = "flasher serve --site studio --lan"

_GB = 10**9


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_argument_group("what is served")
    what.add_argument("--site", help="takes the reports of this site's nodes, and gives them turns")
    what.add_argument("--scanner", help="lays the board out; else the one of most cards")
    what.add_argument("--repository", help="name or folder of a repository of releases")
    what.add_argument(
        "--upstream", help="address of a repository that is mirrored; else that of the site"
    )
    what.add_argument(
        "--for", dest="mirrored_for", help="without --site: whose nodes shall find it"
    )
    where = parser.add_argument_group("to whom")
    where.add_argument("--lan", action="store_true", help="on all networks of this computer")
    where.add_argument("--address", default="", help="on the network of this address alone")
    where.add_argument("--port", type=whole(0, 65535), default=PORT, help="0: any (%(default)s)")
    limits = parser.add_argument_group("how much")
    limits.add_argument("--limit-rate", type=float, help="MB/s, of all downloads together")
    limits.add_argument("--at-once", type=int, default=0, help="no more nodes update together")
    limits.add_argument(
        "--cache-size", type=float, default=8.0, help="GB of what is mirrored (%(default)s)"
    )
    add_unlock(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Serve until interrupted."""
    _check(args)
    from flasher.fleet.server.offer import Wanted, offer

    on_lan = bool(args.lan or args.address not in ("", "127.0.0.1", "::1"))
    site, secrets = None, None
    if args.site:
        from flasher.rig.site import open_site

        # Without TLS nothing of the site is secret here.
        site, secrets = load(args.site, args, console) if on_lan else (open_site(args.site), None)
    wanted = Wanted(
        site=site,
        signer=secrets.signer if secrets else None,
        scanner=args.scanner or "",
        repository=args.repository or "",
        upstream=args.upstream or "",
        mirrored_for=args.mirrored_for or "",
        address=args.address,
        on_lan=on_lan,
        port=args.port,
        bytes_per_second=args.limit_rate * 1e6 if args.limit_rate else None,
        at_once=args.at_once,
        cache_bytes=round(args.cache_size * _GB),
    )
    with offer(wanted) as found:
        found.serve(lambda at: _tell(at, console), lambda event: _warn(event, console))
    return ExitCode.DONE


def _tell(found: Offer, console: Console) -> None:
    """Where it is, once it answers, and again when it is elsewhere.

    Addresses have a line of their own: they are copied, and the board's has 80 letters.
    """
    if found.repository:
        console.say(f"The repository {found.source} is at\n{found.repository}")
    else:
        console.say("No releases are served: --repository says which.")
    if found.entrance:
        console.say(f"The board is at\n{found.entrance}")
        if found.authority:
            console.say(f"Browsers warn until they know the site's certificate:\n{found.authority}")
            if sys.stdout.isatty():
                _draw(found.entrance)
    if not found.serving.whereabouts:
        console.say("Only this computer reaches it; for the rig: --lan")
    console.say("Ctrl-C ends it.")
    console.result("serving", found.told())


def _draw(address: str) -> None:
    """The address for a phone's camera."""
    import segno

    segno.make(address, error="l").terminal(border=1, compact=True)


def _warn(event: Event, console: Console) -> None:
    if isinstance(event, Noted):
        console.warn(f"flasher: {event.text}")


def _check(args: argparse.Namespace) -> None:
    if args.repository and args.upstream:
        what = "A repository is either here or mirrored."
        raise BadInput("usage", what, "Give --repository or --upstream.")
    if not (args.site or args.repository or args.upstream):
        what = "There is nothing to serve."
        raise BadInput("usage", what, "Give --site, --repository or --upstream.")
    if args.mirrored_for and args.site:
        raise BadInput("usage", "--for is for servers without --site.", "Leave one of them out.")
    for name, least in (("limit_rate", 0.001), ("cache_size", 0.001), ("at_once", 0)):
        if (value := getattr(args, name)) is not None and value < least:
            what = f"--{name.replace('_', '-')} is {value}."
            raise BadInput("bad-value", what, f"Give a number of at least {least}.")
