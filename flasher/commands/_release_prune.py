"""`release prune`: what no node needs any more goes; or it is told what would."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from flasher.commands._release_told import where
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.fleet.release.place import find_place
from flasher.fleet.release.prune import Keep, prune, unneeded
from flasher.progress import readable_size


def prune_repository(args: argparse.Namespace, console: Console) -> int:
    """Remove it, or tell how much it is."""
    place, keep = find_place(args.repository), Keep(args.keep, args.days)
    with place.alone(), console.progress() as emit:
        state, now = place.read(), datetime.now(UTC)
        if args.dry_run:
            found = unneeded(place, state, keep, now)
        else:
            found = prune(place, state, keep, now, emit)
    size = sum(found.values())
    console.say(_told(len(found), size, is_dry=args.dry_run))
    told = {"files": len(found), "bytes": size, "dry_run": args.dry_run}
    console.result("pruned", {**where(place), **told})
    return ExitCode.DONE


def _told(count: int, size: int, *, is_dry: bool) -> str:
    if not count:
        return "Nothing that nodes do not need is old enough to go."
    files = "1 file" if count == 1 else f"{count} files"
    if is_dry:
        return f"{files} that no node needs would go: {readable_size(size)}."
    return f"{files} that no node needs are gone: {readable_size(size)} are free."
