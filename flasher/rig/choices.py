"""What a site's form offers: values as a node takes them, each with the name that people look for.

The tables ship, so that they are the same on a computer without a desktop. Time zones are the
system's own, as they change several times a year.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from autosetup import forms
from flasher import paths

UTC = "Etc/UTC"
PLAIN_LANGUAGE = "C.UTF-8"
_FOLDER = "choices"
# Of tzdata's tables of countries, the one where each zone has one.
_ZONES = "zone.tab"
# Where neither the country's layout nor the language's is the usual one.
_KEYBOARDS = {"en_GB": "gb", "en_IE": "ie", "zh": "us", "de_LI": "ch", "de_LU": "ch", "en": "us"}


class Choice(NamedTuple):
    """One thing to choose: what the site's file says, and its name for people."""

    value: str
    name: str


@cache
def countries() -> tuple[Choice, ...]:
    """All countries that a radio can be set to, by their names: ``DE``, Germany."""
    rows = (Choice(*row) for row in _rows("countries.txt"))
    return _by_name(row for row in rows if row.value in forms.COUNTRIES)


@cache
def keyboards() -> tuple[Choice, ...]:
    """Keyboard layouts by their names: ``de``, German."""
    rows = (Choice(*row) for row in _rows("keyboards.txt"))
    return _by_name(row for row in rows if not forms.KEYBOARD.complain(row.value))


@cache
def languages() -> tuple[Choice, ...]:
    """UTF-8 locales by their names: ``de_AT.UTF-8``, German (Austria); the plain one first."""
    names = dict(countries())
    found = (
        Choice(f"{code}_{country}.UTF-8", f"{language} ({names.get(country, country)})")
        for code, language, places in _rows("languages.txt")
        for country in places.split()
    )
    return (Choice(PLAIN_LANGUAGE, "No language (plain English)"), *_by_name(found))


@cache
def timezones() -> tuple[Choice, ...]:
    """The system's time zones: ``Europe/Berlin``, Berlin (Germany); UTC first.

    Those of old spellings and of bare offsets are left out, though a site may name them.
    """
    names, places = dict(countries()), _places()
    known = zoneinfo.available_timezones()
    found = (
        Choice(zone, f"{_city(zone)} ({names.get(code, code)})")
        for zone, code in places.items()
        if zone in known
    )
    return (Choice(UTC, "UTC, the same everywhere"), *_by_name(found))


def timezones_of(country: str) -> tuple[str, ...]:
    """The time zones of a country, by its two letters; that of most people comes first."""
    return tuple(zone for zone, code in _places().items() if code == country)


def usual_keyboard(language: str) -> str | None:
    """The layout that goes with a locale: that of the country, or else of the language."""
    known = {choice.value for choice in keyboards()}
    code, _, rest = language.partition("_")
    special = _KEYBOARDS.get(language[:5]) or _KEYBOARDS.get(code)
    usual = (special, rest[:2].lower(), code)
    return next((layout for layout in usual if layout in known), None)


@cache
def _places() -> dict[str, str]:
    """The country of each time zone, in the order of the system's table."""
    tables = (Path(folder) / _ZONES for folder in zoneinfo.TZPATH)
    table = next((table for table in tables if table.is_file()), None)
    lines = table.read_text(encoding="utf-8").splitlines() if table else []
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {zone: code for code, _, zone, *_ in rows}


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _rows(file: str) -> Iterator[list[str]]:
    text = (paths.assets() / _FOLDER / file).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


def _by_name(found: Iterator[Choice]) -> tuple[Choice, ...]:
    return tuple(sorted(found, key=lambda choice: choice.name.casefold()))
