"""A site made of the settings that layers of other formats bring, and that are never built in."""

from __future__ import annotations

from pathlib import Path

from autosetup.payload import Locale, User, Wifi
from builder.personal import Personal
from flasher.errors import BadInput
from flasher.rig.passwords import hash_password
from flasher.rig.site import Site, SiteSecrets, save_site

_USER = "scanner"


def keep_site(name: str, personal: Personal) -> Path:
    """Write a new site on the user's shelf; the path of its ``site.toml``.

    Raises:
        BadInput: there is nothing to keep, or a site of that name is there already.
        BadDocument: a setting has a form that no node takes.
    """
    if not personal:
        raise BadInput(
            "nothing-personal",
            f"No layer sets an account's password, a key or a wifi; no site {name} is made.",
            "Leave --site out, or make one with `flasher site new`.",
        )
    return save_site(_site(name, personal), _secrets(personal))


def _site(name: str, personal: Personal) -> Site:
    plain = Locale()
    wifi = Wifi(personal.ssid, "wpa-psk" if personal.passphrase else "open")
    return Site(
        name=name,
        title="",
        user=User(personal.user or _USER, authorized_keys=personal.keys),
        country=personal.country or None,
        wifi=(wifi,) if personal.ssid else (),
        locale=Locale(
            personal.language or plain.language,
            personal.keyboard or plain.keyboard,
            personal.timezone or plain.timezone,
        ),
        digest="",
        path=Path(),
    )


def _secrets(personal: Personal) -> SiteSecrets:
    hashed = hash_password(personal.password) if personal.password else None
    passphrases = {personal.ssid: personal.passphrase} if personal.passphrase else {}
    return SiteSecrets(hashed, passphrases if personal.ssid else {})
