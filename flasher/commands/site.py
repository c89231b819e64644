"""Make, change, list, show, check, lock and move sites: the surroundings of one installation."""

from __future__ import annotations

import argparse

from autosetup.node_update import write_source
from flasher import paths
from flasher.arguments import Action, Parser
from flasher.commands import _site_locks, _site_new, _site_travel
from flasher.commands._sites import add_unlock, load, unlocked
from flasher.console import Console
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.rig.public_keys import fingerprint
from flasher.rig.site import (
    Site,
    SiteSecrets,
    add_key,
    is_locked,
    list_sites,
    load_site,
    open_site,
    public_key_line,
)
from flasher.rig.site_travel import needs_backup

EXAMPLE = (
    "flasher site new studio --user scanner --key ~/.ssh/id_ed25519.pub \\\n"
    "          --country DE --ssid Studio --timezone Europe/Berlin"
)


def configure(parser: Parser) -> None:
    """Add the command's actions. Secrets are asked for, or read from a file descriptor."""
    parser.add_actions(ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    match args.action:
        case "new":
            return _site_new.run(args, console)
        case "change":
            return _site_new.change(args, console)
        case "setups":
            return _site_new.setups(console)
        case "key":
            return _key(args, console)
        case "lock":
            return _site_locks.lock(args, console)
        case "unlock":
            return _site_locks.unlock(args, console)
        case "export":
            return _site_travel.export(args, console)
        case "import":
            return _site_travel.import_(args, console)
    return _told(args, console)


def _add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", metavar="SITE", help="its name, or the path of its site.toml")


def _add_sites(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "site", nargs="*", metavar="SITE", help="names, or paths of site.toml files; else all"
    )


_ONE = (_add_site, add_unlock)
ACTIONS = {
    "new": Action(
        "make a site",
        "flasher site new studio --country DE --ssid Studio --key ~/.ssh/id_ed25519.pub",
        (_site_new.add_new, _site_new.add_settings, _site_locks.add_lock, _site_locks.add_lock_fd),
    ),
    "change": Action(
        "change what its options name, and no more",
        "flasher site change studio --ssid Hall",
        (*_ONE, _site_new.add_settings),
    ),
    "setups": Action(
        "setup files of other programs that lie about, for `site new --from`",
        "flasher site setups",
    ),
    "list": Action("list all sites, or those named", "flasher site list", (_add_sites,)),
    "show": Action("tell what is in sites", "flasher site show studio", (_add_sites,)),
    "check": Action(
        "look for faults in sites, and in their secrets",
        "flasher site check studio",
        (_add_sites, add_unlock),
    ),
    "key": Action(
        "the public key that nodes know its cards by, made if there is none",
        "flasher site key studio >studio.pub",
        _ONE,
    ),
    "lock": Action(
        "seal its secrets with a passphrase; a locked site gets another one",
        "flasher site lock studio --keyring",
        (*_ONE, _site_locks.add_keyring, _site_locks.add_lock_fd),
    ),
    "unlock": Action("open its secrets again", "flasher site unlock studio", _ONE),
    "export": Action(
        "the whole site into one sealed file",
        "flasher site export studio --to /media/STICK",
        (*_ONE, _site_travel.add_to, _site_locks.add_lock_fd),
    ),
    "import": Action(
        "take over a site from such a file",
        "flasher site import studio.flasher-site",
        (_site_travel.add_import, _site_locks.add_lock, add_unlock),
    ),
}


def _told(args: argparse.Namespace, console: Console) -> int:
    """List, show or check sites; only `check` needs the passphrase of one that is locked."""
    names: list[str] = args.site or list_sites()
    found = [pair for name in names if (pair := _found(name, args, console))]
    sites = [site for site, _ in found]
    if args.action == "list":
        rows = [(s.name, s.user.name, _networks(s), _state(s), s.title) for s in sites]
        console.table(("SITE", "USER", "WIFI", "SECRETS", "TITLE"), rows)
        _ask_for_backups(sites, console)
    for site, secrets in found if args.action != "list" else ():
        console.say(_judged(site, secrets) if secrets else _described(site))
    console.result("sites", {"sites": [_as_json(site) for site in sites]})
    return ExitCode.DONE if len(found) == len(names) else ExitCode.USAGE


def _found(
    name: str, args: argparse.Namespace, console: Console
) -> tuple[Site, SiteSecrets | None] | None:
    try:
        if args.action == "check":
            return load(name, args, console)
        if not is_locked(name):
            return load_site(name)[0], None
        public_key_line(name)  # what is sealed may be damaged
        return open_site(name), None
    except FlasherError as error:
        console.error(error)
        return None


def _key(args: argparse.Namespace, console: Console) -> int:
    """Print the public half of the site's key, alone, so that it can be put into a file."""
    name: str = args.site
    unlock = unlocked(name, args, console)
    site, secrets = load_site(name, unlock)
    if secrets.signer is None and site.path.is_relative_to(paths.assets()):
        what = f"The site {site.name} ships with Flasher, so its cards cannot be signed."
        raise BadInput("shipped-site", what, "Make one of your own: flasher site new")
    signer = secrets.signer or add_key(name, unlock)
    console.say(signer.public.line)
    key = {"key": signer.public.line, "fingerprint": signer.public.fingerprint}
    console.result("key", {"site": site.name, **key})
    return ExitCode.DONE


def _ask_for_backups(sites: list[Site], console: Console) -> None:
    lost = [site.name for site in sites if needs_backup(str(site.path))]
    if lost:
        told = " and ".join(lost) if len(lost) < 3 else f"{len(lost)} sites"
        verb = "have" if len(lost) > 1 else "has"
        console.say(f"\n{told} {verb} no backup as of now: flasher site export {lost[0]}")


def _described(site: Site) -> str:
    wifi = ", ".join(f"{w.ssid} ({w.security})" for w in site.wifi) or "none"
    return "\n".join(
        (
            f"{site.name}: {site.title or 'no title'}",
            f"    user      {site.user.name}, keys: {len(site.user.authorized_keys)}",
            f"    wifi      {wifi}, country {site.country or 'not set'}",
            f"    locale    {site.locale.language}, keyboard {site.locale.keyboard}",
            f"    timezone  {site.locale.timezone}",
            f"    updates   {_updates(site)}",
            f"    cards     {_signed(site)}",
            f"    secrets   {_state(site)}",
            f"    file      {site.path}",
        )
    )


def _updates(site: Site) -> str:
    update = site.update
    source = f"from {update.source or 'what is found on the network'}"
    every = "minute" if update.every_minutes == 1 else f"{update.every_minutes} minutes"
    board = f", board {update.board}" if update.board else ""
    return f"{source}, every {every}{board}, packages of the image: {update.packages}"


def _judged(site: Site, secrets: SiteSecrets) -> str:
    has_key = secrets.signer or site.path.is_relative_to(paths.assets())
    unsigned = f"; its cards are not signed: flasher site key {site.name}"
    return f"{site.name}: no faults{'' if has_key else unsigned}"


def _networks(site: Site) -> str:
    return ", ".join(wifi.ssid for wifi in site.wifi)


def _state(site: Site) -> str:
    locked = "locked" if is_locked(str(site.path)) else "open"
    return f"{locked}, no backup" if needs_backup(str(site.path)) else locked


def _signed(site: Site) -> str:
    signer = _signer(site)
    return f"signed with {signer}" if signer else "not signed"


def _signer(site: Site) -> str | None:
    line = public_key_line(str(site.path))
    return fingerprint(line) if line else None


def _as_json(site: Site) -> dict[str, object]:
    return {
        "name": site.name,
        "title": site.title,
        "user": site.user.name,
        "wifi": [wifi.ssid for wifi in site.wifi],
        "country": site.country,
        "update": write_source(site.update),
        "path": str(site.path),
        "digest": site.digest,
        "signer": _signer(site),
        "locked": is_locked(str(site.path)),
        "needs_backup": needs_backup(str(site.path)),
    }
