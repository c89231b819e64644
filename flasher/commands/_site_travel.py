"""`site export` and `site import`: a whole site in one sealed file."""

from __future__ import annotations

import argparse
from pathlib import Path

from flasher.commands._secret_input import known_secret, new_secret
from flasher.commands._sites import unlock_by, unlocked
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.exports import write_named
from flasher.rig.site import is_locked, open_site
from flasher.rig.site_secrets import Lock
from flasher.rig.site_travel import (
    SUFFIX,
    export_site,
    import_site,
    mark_exported,
    site_name_in,
)

_LOCKED = ("passphrase", "keyring")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the file to write."""
    parser.add_argument("--to", type=Path, metavar="FILE", help="(SITE.flasher-site)")


def add_import(parser: argparse.ArgumentParser) -> None:
    """Add what names the file to read, and the site that comes of it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="that `site export` wrote")
    parser.add_argument("--as", dest="name", metavar="NAME", help="under another name")


def export(args: argparse.Namespace, console: Console) -> int:
    """Write the file, and note that the site has a backup."""
    name: str = args.site
    site = open_site(name)
    file: Path = args.to or Path(f"{site.name}{SUFFIX}")
    if file.is_dir():
        file = file / f"{site.name}{SUFFIX}"
    if file.exists():
        what = f"{file} is there already, and stays as it is."
        raise BadInput("file-exists", what, "Name another one with --to, or move that one away.")
    known = unlocked(name, args, console)
    passphrase = new_secret(f"Passphrase for {file.name}", args.lock_fd, console, "--lock-fd")
    write_named(file, export_site(name, passphrase, known))
    mark_exported(name)
    console.say(
        f"{file} has all of the site {site.name}, its key included. Keep it, and the passphrase, "
        f"apart from this computer. On another one: flasher site import {file.name}"
    )
    console.result("export", {"site": site.name, "file": str(file)})
    return ExitCode.DONE


def import_(args: argparse.Namespace, console: Console) -> int:
    """Take a site over from its file."""
    file: Path = args.file
    what = f"Passphrase of {site_name_in(file) or file.name}"
    passphrase = known_secret(what, args.unlock_fd, console, "--unlock-fd")
    given = argparse.Namespace(**vars(args) | {"unlock_fd": None})
    imported = import_site(
        file,
        passphrase,
        name=args.name,
        lock=Lock(passphrase, args.lock == "keyring") if args.lock in _LOCKED else None,
        stay_locked=args.lock is None,
        unlock=unlock_by(given, console),
    )
    site = imported.site
    done = "is here already, and the same" if imported.was_there else f"lies in {site.path.parent}"
    state = "locked" if is_locked(str(site.path)) else "open"
    console.say(f"The site {site.name} {done}; its secrets are {state}.")
    told = {"site": site.name, "path": str(site.path), "new": not imported.was_there}
    console.result("site", told)
    return ExitCode.DONE
