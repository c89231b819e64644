"""Make, change, list, show, check, lock and move sites: the surroundings of one installation."""

from __future__ import annotations

import argparse
from pathlib import Path

from autosetup.node_update import write_source
from flasher import paths
from flasher.commands import _site_locks, _site_new, _site_travel
from flasher.commands._sites import add_unlock, load, one_name, unlocked
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
_ACTIONS = {
    "new": "",
    "change": "what its options name, and no more",
    "setups": "setup files of other programs that lie about, for --from",
    "list": "",
    "show": "",
    "check": "",
    "key": "the public key that nodes know the site's cards by, made if there is none",
    "lock": "seal its secrets with a passphrase; a locked site gets another one",
    "unlock": "open them again",
    "export": "the whole site into one sealed file",
    "import": "a site from such a file",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments. Secrets are asked for, or read from a file descriptor."""
    told = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items() if what)
    parser.add_argument("action", choices=tuple(_ACTIONS), help=told)
    parser.add_argument("site", nargs="*", help="names, or paths of site.toml files")
    _site_new.configure(parser.add_argument_group("for a new site, and to change one"))
    locks = parser.add_argument_group("for locked sites, and sites that travel")
    locks.add_argument(
        "--lock",
        choices=("passphrase", "keyring", "none"),
        help="new, import: how the secrets rest; keyring: the desktop keeps the passphrase, too",
    )
    locks.add_argument("--keyring", action="store_true", help="lock: the same")
    locks.add_argument("--lock-fd", type=int, help="file descriptor to read a new passphrase from")
    add_unlock(locks)
    locks.add_argument("--to", type=Path, help="export: the file (SITE.flasher-site)")
    locks.add_argument("--as", dest="name", help="import: under another name")


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
        if args.action == "check" or not is_locked(name):
            site, secrets = load(name, args, console)
            return site, secrets if args.action == "check" else None
        public_key_line(name)  # what is sealed may be damaged
        return open_site(name), None
    except FlasherError as error:
        console.error(error)
        return None


def _key(args: argparse.Namespace, console: Console) -> int:
    """Print the public half of the site's key, alone, so that it can be put into a file."""
    name = one_name(args)
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
