"""Make, list, show and check sites: the surroundings of one installation."""

from __future__ import annotations

import argparse
import getpass
import os
from pathlib import Path

from autosetup.payload import Locale, User, Wifi
from autosetup.strict import Pattern
from flasher import paths
from flasher.console import Console
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.rig import site as forms
from flasher.rig.documents import NAME
from flasher.rig.passwords import hash_password
from flasher.rig.signing import make_signer
from flasher.rig.site import Site, SiteSecrets, list_sites, load_site, save_site

EXAMPLE = (
    "flasher site new studio --user scanner --key ~/.ssh/id_ed25519.pub \\\n"
    "          --country DE --ssid Studio --timezone Europe/Berlin"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments. Secrets are asked for, or read from a file descriptor."""
    parser.add_argument(
        "action",
        choices=("new", "list", "show", "check", "key"),
        help="key: the public key that nodes know the site's cards by; made if there is none",
    )
    parser.add_argument("site", nargs="*", help="names, or paths of site.toml files")
    new = parser.add_argument_group("for a new site")
    new.add_argument("--user", default="scanner", help="login name on the nodes (%(default)s)")
    new.add_argument("--key", type=Path, action="append", default=[], help="public key file")
    new.add_argument("--country", default="", help="two letters; wifi needs it")
    new.add_argument("--ssid", default="", help="name of the wifi")
    new.add_argument("--hidden", action="store_true", help="the wifi does not show its name")
    new.add_argument("--language", default="C.UTF-8", help="such as de_DE.UTF-8 (%(default)s)")
    new.add_argument("--keyboard", default="us", help="such as de (%(default)s)")
    new.add_argument("--timezone", default="Etc/UTC", help="such as Europe/Berlin (%(default)s)")
    new.add_argument("--password-fd", type=int, help="file descriptor to read the password from")
    new.add_argument("--passphrase-fd", type=int, help="the same for the wifi's passphrase")


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    if args.action == "new":
        return _new(args, console)
    if args.action == "key":
        return _key(args, console)
    names: list[str] = args.site or list_sites()
    loaded = [_load(name, console) for name in names]
    found = [pair for pair in loaded if pair]
    sites = [site for site, _ in found]
    if args.action == "list":
        rows = [(s.name, s.user.name, ", ".join(w.ssid for w in s.wifi), s.title) for s in sites]
        console.table(("SITE", "USER", "WIFI", "TITLE"), rows)
    for site, secrets in found if args.action != "list" else ():
        console.say(_described(site, secrets) if args.action == "show" else _judged(site, secrets))
    console.result("sites", {"sites": [_as_json(site, secrets) for site, secrets in found]})
    return ExitCode.DONE if all(loaded) else ExitCode.USAGE


def _load(name: str, console: Console) -> tuple[Site, SiteSecrets] | None:
    try:
        return load_site(name)
    except FlasherError as error:
        console.error(error)
        return None


def _new(args: argparse.Namespace, console: Console) -> int:
    if len(args.site) != 1:
        raise BadInput("usage", "A new site needs one name.", f"For example: {EXAMPLE}")
    wifi = (Wifi(args.ssid, "wpa-psk", args.hidden),) if args.ssid else ()
    site = Site(
        name=_checked("name", args.site[0], NAME),
        title="",
        user=User(
            name=_checked("--user", args.user, forms.USER_NAME),
            authorized_keys=tuple(_read_key(path) for path in args.key),
        ),
        country=_checked("--country", args.country, forms.COUNTRY) if args.country else None,
        wifi=wifi,
        locale=Locale(
            _checked("--language", args.language, forms.LANGUAGE),
            _checked("--keyboard", args.keyboard, forms.KEYBOARD),
            _checked("--timezone", args.timezone, forms.TIMEZONE),
        ),
        digest="",
        path=Path(),
    )
    if wifi and not site.country:
        raise BadInput("no-country", "Wifi needs a country.", "Add --country DE, or your own.")
    password = _secret(f"Password for {site.user.name}", args.password_fd, console)
    passphrases = {args.ssid: _passphrase(args, console)} if wifi else {}
    path = save_site(site, SiteSecrets(hash_password(password), passphrases))
    _, secrets = load_site(str(path))
    console.say(f"The site {site.name} lies in {path.parent}. Its cards are {_signed(secrets)}.")
    console.result("site", {"site": site.name, "path": str(path), "signer": _signer(secrets)})
    return ExitCode.DONE


def _key(args: argparse.Namespace, console: Console) -> int:
    """Print the public half of the site's key, alone, so that it can be put into a file."""
    if len(args.site) != 1:
        raise BadInput("usage", "A key is that of one site.", "Name it: flasher site key studio")
    site, secrets = load_site(args.site[0])
    if secrets.signer is None and site.path.is_relative_to(paths.assets()):
        what = f"The site {site.name} ships with Flasher, so its cards cannot be signed."
        raise BadInput("shipped-site", what, "Make one of your own: flasher site new")
    signer = secrets.signer or make_signer(site.path.parent, site.name)
    console.say(signer.public.line)
    key = {"key": signer.public.line, "fingerprint": signer.public.fingerprint}
    console.result("key", {"site": site.name, **key})
    return ExitCode.DONE


def _passphrase(args: argparse.Namespace, console: Console) -> str:
    secret = _secret(f"Passphrase of {args.ssid}", args.passphrase_fd, console)
    if forms.PASSPHRASE.complain(secret):
        raise BadInput(
            "bad-passphrase",
            f"The passphrase of {args.ssid!r} has {len(secret)} characters or a strange one.",
            f"It must be {forms.PASSPHRASE.wanted}.",
        )
    return secret


def _secret(what: str, descriptor: int | None, console: Console) -> str:
    """A secret from a file descriptor or the keyboard; never from an argument others can see."""
    if descriptor is not None:
        return _not_empty(what, _read_line(descriptor, what))
    if not console.interactive:
        raise BadInput(
            "no-secret",
            f"{what}: nobody is here to type it.",
            "Use --password-fd, --passphrase-fd.",
        )
    secret = getpass.getpass(f"{what}: ")
    if getpass.getpass(f"{what}, again: ") != secret:
        raise BadInput("secrets-differ", "The two were not the same.", "Try again.")
    return _not_empty(what, secret)


def _read_line(descriptor: int, what: str) -> str:
    try:
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            return stream.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "unreadable-secret",
            f"{what} cannot be read from file descriptor {descriptor}.",
            "Open it for the command, as in `--password-fd 3 3<file`; one descriptor for each.",
        ) from error


def _not_empty(what: str, secret: str) -> str:
    if not secret:
        raise BadInput("empty-secret", f"{what} is empty.", "Type at least one character.")
    return secret


def _checked(what: str, text: str, form: Pattern) -> str:
    if wanted := form.complain(text):
        raise BadInput("bad-value", f"{what} is {text!r}.", f"It must be {wanted}.")
    return text


def _read_key(path: Path) -> str:
    try:
        text = path.expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "bad-key", f"{path} cannot be read: {error}.", "Name a .pub file."
        ) from error
    if "PRIVATE KEY" in text:
        raise BadInput(
            "private-key", f"{path} is a private key.", f"Its public half is {path}.pub."
        )
    if wrong := forms.key_complaint(text):
        raise BadInput("bad-key", f"{path} is no public key.", wrong)
    return text


def _described(site: Site, secrets: SiteSecrets) -> str:
    wifi = ", ".join(f"{w.ssid} ({w.security})" for w in site.wifi) or "none"
    return "\n".join(
        (
            f"{site.name}: {site.title or 'no title'}",
            f"    user      {site.user.name}, keys: {len(site.user.authorized_keys)}",
            f"    wifi      {wifi}, country {site.country or 'not set'}",
            f"    locale    {site.locale.language}, keyboard {site.locale.keyboard}",
            f"    timezone  {site.locale.timezone}",
            f"    cards     {_signed(secrets)}",
            f"    file      {site.path}",
        )
    )


def _judged(site: Site, secrets: SiteSecrets) -> str:
    has_key = secrets.signer or site.path.is_relative_to(paths.assets())
    unsigned = f"; its cards are not signed: flasher site key {site.name}"
    return f"{site.name}: no faults{'' if has_key else unsigned}"


def _signed(secrets: SiteSecrets) -> str:
    return f"signed with {_signer(secrets)}" if secrets.signer else "not signed"


def _signer(secrets: SiteSecrets) -> str | None:
    return secrets.signer.public.fingerprint if secrets.signer else None


def _as_json(site: Site, secrets: SiteSecrets) -> dict[str, object]:
    return {
        "name": site.name,
        "title": site.title,
        "user": site.user.name,
        "wifi": [wifi.ssid for wifi in site.wifi],
        "country": site.country,
        "path": str(site.path),
        "digest": site.digest,
        "signer": _signer(secrets),
    }
