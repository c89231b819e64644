"""The wizard's words in the language of whoever sits in front of it.

Every text that a person reads goes through `_` (or `ngettext` where it counts), as a constant with
names for what is filled in: `_("{name} is ready").format(name=…)`, or `$name` where it is markup.
The language is that of the environment, as gettext reads it (LANGUAGE, LC_ALL, LC_MESSAGES, LANG),
whether or not the system has that locale. A catalogue of one's own goes before those that ship.
"""

from __future__ import annotations

import gettext as catalogues
import os
import re
import struct
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from flasher import paths

DOMAIN = "flasher"
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
# The texts themselves are English.
_ENGLISH = re.compile(r"(en|C|POSIX)(?![a-z])")


def languages(environment: Mapping[str, str]) -> list[str]:
    """Those that are wanted rather than English, the preferred one first."""
    wanted = next(filter(None, map(environment.get, _VARIABLES)), "")
    return list(takewhile(lambda name: not _ENGLISH.match(name), filter(None, wanted.split(":"))))


def spoken(
    environment: Mapping[str, str], *folders: Path, domain: str = DOMAIN
) -> catalogues.NullTranslations:
    """The words in the wanted language, else in English.

    Args:
        environment: as of a process.
        folders: of catalogues, ``LANGUAGE/LC_MESSAGES/DOMAIN.mo``; what the first one lacks is
            looked for in the next. A file that cannot be read counts as missing.
        domain: the catalogues' name.
    """
    found = catalogues.NullTranslations()
    for folder in reversed(folders):
        nearer = _read(folder, languages(environment), domain)
        nearer.add_fallback(found)
        found = nearer
    return found


def _read(folder: Path, wanted: list[str], domain: str) -> catalogues.NullTranslations:
    try:
        return catalogues.translation(domain, folder, wanted, fallback=True)
    except (OSError, ValueError, struct.error):
        return catalogues.NullTranslations()


def N_(text: str) -> str:  # noqa: N802  (its name in every catalogue's tools)
    """Mark a text that is looked up later, by `_`."""
    return text


_found = spoken(os.environ, paths.data() / "locale", paths.assets() / "locale")
_ = gettext = _found.gettext
ngettext = _found.ngettext
