"""The form for a new site: what is typed, what is wrong with it, and the site it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from autosetup.payload import Locale, User, Wifi
from autosetup.strict import Pattern
from flasher.errors import BadInput
from flasher.rig import site as forms
from flasher.rig.documents import NAME
from flasher.rig.passwords import hash_password
from flasher.rig.site import Site, SiteSecrets
from flasher.tui.public_keys import read_public_key

_SSID_OCTETS = 32


@dataclass(frozen=True, slots=True, repr=False)
class Answers:
    """What a person typed, as it stands in the fields. No `repr`: it holds secrets."""

    name: str = ""
    user: str = "scanner"
    password: str = ""
    again: str = ""
    key: str = ""
    country: str = ""
    ssid: str = ""
    passphrase: str = ""
    language: str = "C.UTF-8"
    keyboard: str = "us"
    timezone: str = "Etc/UTC"


FIELD_NAMES = tuple(field.name for field in fields(Answers))


def complaints(answers: Answers) -> dict[str, str]:
    """What is wrong, by field, in words that say what to type; empty where all is well.

    Reads the key's file where a path was typed.
    """
    found = {name: check(answers) for name, check in _CHECKS.items()}
    return {name: complaint for name, complaint in found.items() if complaint}


def make_site(answers: Answers) -> tuple[Site, SiteSecrets]:
    """The site of answers without complaints; the password is hashed here and kept nowhere."""
    wifi = (Wifi(answers.ssid),) if answers.ssid else ()
    site = Site(
        name=answers.name,
        title="",
        user=User(
            answers.user,
            authorized_keys=(read_public_key(answers.key),) if answers.key.strip() else (),
        ),
        country=answers.country or None,
        wifi=wifi,
        locale=Locale(answers.language, answers.keyboard, answers.timezone),
        digest="",
        path=Path(),
    )
    hashed = hash_password(answers.password) if answers.password else None
    return site, SiteSecrets(hashed, {answers.ssid: answers.passphrase} if wifi else {})


def _form(field: str, form: Pattern) -> Callable[[Answers], str | None]:
    def check(answers: Answers) -> str | None:
        wanted = form.complain(getattr(answers, field))
        return f"It must be {wanted}." if wanted else None

    return check


def _check_password(answers: Answers) -> str | None:
    if answers.password or answers.key.strip():
        return None
    return "Give a password or a key: without either, nobody can log in."


def _check_again(answers: Answers) -> str | None:
    return None if answers.password == answers.again else "The two passwords differ: type again."


def _check_key(answers: Answers) -> str | None:
    if not answers.key.strip():
        return None
    try:
        read_public_key(answers.key)
    except BadInput as fault:
        return f"{fault.message} {fault.hint}"
    return None


def _check_country(answers: Answers) -> str | None:
    if answers.country:
        return _form("country", forms.COUNTRY)(answers)
    return "Wifi needs it: the radio stays off without." if answers.ssid else None


def _check_ssid(answers: Answers) -> str | None:
    if len(answers.ssid.encode()) > _SSID_OCTETS:
        return f"It has {len(answers.ssid.encode())} bytes; {_SSID_OCTETS} are allowed."
    if answers.passphrase and not answers.ssid:
        return "A passphrase without a wifi: type the wifi's name."
    return None


def _check_passphrase(answers: Answers) -> str | None:
    return _form("passphrase", forms.PASSPHRASE)(answers) if answers.ssid else None


_CHECKS: dict[str, Callable[[Answers], str | None]] = {
    "name": _form("name", NAME),
    "user": _form("user", forms.USER_NAME),
    "password": _check_password,
    "again": _check_again,
    "key": _check_key,
    "country": _check_country,
    "ssid": _check_ssid,
    "passphrase": _check_passphrase,
    "language": _form("language", forms.LANGUAGE),
    "keyboard": _form("keyboard", forms.KEYBOARD),
    "timezone": _form("timezone", forms.TIMEZONE),
}
