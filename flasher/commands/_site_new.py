"""`site new`, `change` and `setups`: a site from options, or from another program's setup."""

from __future__ import annotations

import argparse
import unicodedata
from dataclasses import replace
from pathlib import Path

from autosetup import forms
from autosetup.faults import shown
from autosetup.node_update import MOST_MINUTES
from autosetup.payload import Locale, Wifi
from autosetup.settings import SECURITIES, SYSTEM_PACKAGES, Update
from autosetup.strict import Pattern
from flasher.commands._secret_input import new_secret
from flasher.commands._site_locks import asked_lock
from flasher.commands._sites import unlocked
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.rig.documents import NAME
from flasher.rig.foreign_setup import SiteDraft, drafted_site, find_setups, read_setup
from flasher.rig.passwords import hash_password
from flasher.rig.public_keys import fingerprint, read_public_key
from flasher.rig.site import (
    Site,
    SiteSecrets,
    load_site,
    public_key_line,
    save_site,
)
from flasher.rig.site_changes import replace_site
from flasher.rig.site_model import USUAL_USER
from flasher.rig.site_text import COUNTRY

_PLAIN, _UPDATE = Locale(), Update()


def add_new(parser: argparse.ArgumentParser) -> None:
    """Add what names a new site, and the setup that it comes from."""
    parser.add_argument("site", metavar="NAME", help="of the new site")
    parser.add_argument(
        "--from",
        dest="setup",
        type=Path,
        metavar="FILE",
        help="setup file of Raspberry Pi Imager, cloud-init, …",
    )


def add_settings(new: argparse.ArgumentParser) -> None:
    """Add the options; what is left out stays, comes from the setup file, or is the usual."""
    new.add_argument("--title", default="", help="a line for people")
    new.add_argument("--user", default="", help=f"login name on the nodes ({USUAL_USER})")
    new.add_argument("--key", type=Path, action="append", default=[], help="public key file")
    new.add_argument("--keys-only", choices=("yes", "no"), help="SSH takes no passwords (no)")
    new.add_argument("--country", default="", help="two letters; wifi needs it")
    new.add_argument("--ssid", default="", help="name of a wifi: one more, or one anew")
    new.add_argument("--security", choices=SECURITIES, default="wpa-psk", help="(%(default)s)")
    new.add_argument("--hidden", action="store_true", help="the wifi does not show its name")
    new.add_argument("--remove-ssid", default="", help="a wifi that is there no more")
    new.add_argument("--language", default="", help=f"such as de_DE.UTF-8 ({_PLAIN.language})")
    new.add_argument("--keyboard", default="", help=f"such as de ({_PLAIN.keyboard})")
    new.add_argument("--timezone", default="", help=f"such as Europe/Berlin ({_PLAIN.timezone})")
    new.add_argument("--ntp", action="append", default=[], help="time server")
    new.add_argument("--mirror", default="", help="where packages come from")
    new.add_argument("--update-source", help="address of releases; empty: found on the network")
    new.add_argument("--board", help="address that nodes report to; empty: found on the network")
    new.add_argument("--update-every", type=int, help=f"minutes ({_UPDATE.every_minutes})")
    new.add_argument(
        "--update-packages",
        choices=SYSTEM_PACKAGES,
        help=f"which packages of the image are kept up to date ({_UPDATE.packages})",
    )
    new.add_argument("--password", action="store_true", help="ask for a new password")
    new.add_argument("--password-fd", type=int, help="file descriptor to read the password from")
    new.add_argument("--passphrase-fd", type=int, help="the same for the wifi's passphrase")


def run(args: argparse.Namespace, console: Console) -> int:
    """Ask for the secrets, and save the site."""
    name = _checked("name", args.site, NAME)
    draft = read_setup(args.setup) if args.setup else SiteDraft("")
    drafted, _ = drafted_site(draft, name)
    site = _checked_country(_with_options(drafted, args))
    secrets = _secrets(site, draft, args, console)
    path = save_site(site, secrets, asked_lock(args, name, console))
    for left_out in draft.left_out:
        console.warn(f"Not taken over: {left_out}")
    signer = fingerprint(public_key_line(str(path)))
    console.say(f"The site {name} lies in {path.parent}. Its cards are signed with {signer}.")
    console.result("site", {"site": name, "path": str(path), "signer": signer})
    return ExitCode.DONE


def change(args: argparse.Namespace, console: Console) -> int:
    """Change what options name; all else stays, the site's key and its lock included."""
    name: str = args.site
    unlock = unlocked(name, args, console)
    site, secrets = load_site(name, unlock)
    changed = _checked_country(_with_options(site, args))
    hashed, phrases = secrets.password_hash, dict(secrets.wifi_passphrases)
    if args.password or args.password_fd is not None:
        hashed = _new_password(changed.user.name, args, console)
    phrases.pop(args.remove_ssid, None)
    if args.ssid and args.security != "open":
        phrases[args.ssid] = _passphrase(args.ssid, args, console)
    path = replace_site(changed, SiteSecrets(hashed, phrases), unlock)
    console.say(f"The site {site.name} is changed. Cards that were made before have what it was.")
    console.result("site", {"site": site.name, "path": str(path)})
    return ExitCode.DONE


def setups(console: Console) -> int:
    """List what `--from` could take."""
    found = find_setups()
    console.table(("FILE", "HAS"), [(shown(str(setup.path)), setup.summary) for setup in found])
    told = [{"path": str(setup.path), "summary": setup.summary} for setup in found]
    console.result("setups", {"setups": told})
    return ExitCode.DONE


def _with_options(site: Site, args: argparse.Namespace) -> Site:
    """A site as options change it; what none of them names stays."""
    keys = tuple(read_public_key(str(path)) for path in args.key)
    return replace(
        site,
        title=args.title or site.title,
        user=replace(
            site.user,
            name=_checked("--user", args.user or site.user.name, forms.USER_NAME),
            authorized_keys=tuple(dict.fromkeys((*site.user.authorized_keys, *keys))),
        ),
        country=_optional("--country", args.country, COUNTRY) or site.country,
        wifi=_networks(site.wifi, args),
        dealt=tuple(name for name in site.dealt if name != args.remove_ssid),
        locale=Locale(
            _optional("--language", args.language, forms.LANGUAGE) or site.locale.language,
            _optional("--keyboard", args.keyboard, forms.KEYBOARD) or site.locale.keyboard,
            _optional("--timezone", args.timezone, forms.TIMEZONE) or site.locale.timezone,
        ),
        ntp=tuple(args.ntp) or site.ntp,
        mirror=args.mirror or site.mirror,
        update=_update(site.update, args),
        keys_only=site.keys_only if args.keys_only is None else args.keys_only == "yes",
    )


def _update(known: Update, args: argparse.Namespace) -> Update:
    """What no option names stays; an empty address is one that is found on the network."""
    source, board, minutes = args.update_source, args.board, args.update_every
    if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
        what = f"--update-every is {minutes}."
        raise BadInput(
            "bad-value", what, f"It must be a number of minutes from 1 to {MOST_MINUTES}."
        )
    return replace(
        known,
        source=known.source if source is None else _address("--update-source", source),
        board=known.board if board is None else _address("--board", board),
        every_minutes=known.every_minutes if minutes is None else minutes,
        packages=args.update_packages or known.packages,
    )


def _address(what: str, text: str) -> str:
    return _optional(what, text, forms.SOURCE)


def _networks(known: tuple[Wifi, ...], args: argparse.Namespace) -> tuple[Wifi, ...]:
    if args.remove_ssid and args.remove_ssid not in {wifi.ssid for wifi in known}:
        what = f"There is no wifi {args.remove_ssid!r} in this site."
        raise BadInput("no-such-wifi", what, "`flasher site show` names those that it has.")
    kept = tuple(wifi for wifi in known if wifi.ssid not in (args.ssid, args.remove_ssid))
    return (*kept, Wifi(args.ssid, args.security, args.hidden)) if args.ssid else kept


def _checked_country(site: Site) -> Site:
    if site.wifi and not site.country:
        raise BadInput("no-country", "Wifi needs a country.", "Add --country DE, or your own.")
    return site


def _secrets(
    site: Site, draft: SiteDraft, args: argparse.Namespace, console: Console
) -> SiteSecrets:
    """What the setup file has is not asked for."""
    hashed = draft.password_hash
    if args.password or args.password_fd is not None or not (hashed or draft.keys):
        hashed = _new_password(site.user.name, args, console)
    phrases = {
        wifi.ssid: draft.passphrases.get(wifi.ssid) or _passphrase(wifi.ssid, args, console)
        for wifi in site.wifi
        if wifi.security != "open"
    }
    return SiteSecrets(hashed or None, phrases)


def _new_password(user: str, args: argparse.Namespace, console: Console) -> str:
    what = f"Password for {user}"
    return hash_password(new_secret(what, args.password_fd, console, "--password-fd"))


def _passphrase(ssid: str, args: argparse.Namespace, console: Console) -> str:
    secret = new_secret(f"Passphrase of {ssid}", args.passphrase_fd, console, "--passphrase-fd")
    if forms.PASSPHRASE.complain(secret):
        what = f"The passphrase of {ssid!r} {_misfit(secret)}."
        raise BadInput("bad-passphrase", what, f"It must be {forms.PASSPHRASE.wanted}.")
    return secret


def _misfit(passphrase: str) -> str:
    """Why it is none: an editor's quotes look like plain ones, so the character is named."""
    strange = next((char for char in passphrase if not " " <= char <= "~"), "")
    if not strange:
        return f"has {len(passphrase)} characters"
    name = unicodedata.name(strange, "a control character").lower()
    at = passphrase.index(strange) + 1
    return f"has a strange character, number {at}: {name} (U+{ord(strange):04X})"


def _optional(what: str, text: str, form: Pattern) -> str:
    return _checked(what, text, form) if text else ""


def _checked(what: str, text: str, form: Pattern) -> str:
    if wanted := form.complain(text):
        raise BadInput("bad-value", f"{what} is {text!r}.", f"It must be {wanted}.")
    return text
