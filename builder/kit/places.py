"""Countries, languages and cities as the wizard's languages call them, by Unicode's CLDR.

``python -m builder.kit.places`` writes a catalogue beside each language's own; `make languages`
does that. Only who makes them needs Babel, which brings the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import babel
from babel import Locale
from babel.core import get_global
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po

from flasher import paths

DOMAIN = "places"
_LICENCE = Path(babel.__file__).parent / "locale-data/LICENSE.unicode"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# As a keyboard's name has them.
_SHORT = {"UK": "GB", "US": "US"}
_SOFT_HYPHEN = "\xad"


def main() -> None:
    """Write the catalogue of each language that the wizard has."""
    for folder in sorted((paths.assets() / "locale").iterdir()):
        place = folder / "LC_MESSAGES"
        po, mo = catalogues(folder.name)
        (place / f"{DOMAIN}.po").write_bytes(po)
        (place / f"{DOMAIN}.mo").write_bytes(mo)


def catalogues(language: str) -> tuple[bytes, bytes]:
    """The names in a language, as people read them (.po) and as gettext does (.mo)."""
    notice = "\n".join(f"# {line}".rstrip() for line in _LICENCE.read_text().splitlines())
    head = f"# Names from Unicode's CLDR, whose licence is this:\n#\n{notice}"
    made = Catalog(
        language,
        DOMAIN,
        header_comment=head,
        creation_date=_EPOCH,
        revision_date=_EPOCH,
        fuzzy=False,
    )
    for english, name in sorted(names(language).items()):
        made.add(english, name)
    po, mo = BytesIO(), BytesIO()
    write_po(po, made, width=0)
    write_mo(mo, made)
    return po.getvalue(), mo.getvalue()


def names(language: str) -> dict[str, str]:
    """The names that differ from the English ones, by these."""
    own = Locale.parse(language)
    found = dict(_of_keyboards(own))
    found |= {name: own.languages[code] for code, name in _rows("languages.txt")}
    found |= {name: own.territories[code] for code, name in _rows("countries.txt")}
    found |= dict(_of_cities(own))
    return {english: name for english, name in found.items() if english != name}


def _of_keyboards(own: Locale) -> Iterator[tuple[str, str]]:
    """Layouts are named by languages and countries: German (Austria)."""
    english = Locale("en")
    languages = {name: code for code, name in english.languages.items()}
    countries = {name: code for code, name in english.territories.items()} | _SHORT
    for _code, layout in _rows("keyboards.txt"):
        language, *places = re.split(r" \(|, |\)", layout)
        if name := own.languages.get(languages.get(language)):
            yield language, name
        yield from ((p, own.territories[countries[p]]) for p in places if p in countries)


def _of_cities(own: Locale) -> Iterator[tuple[str, str]]:
    """Of time zones, by the end of their identifiers, and by what is said in English today."""
    english = Locale("en")
    for zone in get_global("zone_territories"):
        if "/" in zone and not zone.startswith("Etc/"):
            city = zone.rpartition("/")[2].replace("_", " ")
            today = _city(english, zone) or city
            name = (_city(own, zone) or today).replace(_SOFT_HYPHEN, "")
            yield from ((city, name), (today, name))


def _city(locale: Locale, zone: str) -> str | None:
    """CLDR may have it by an identifier of former times: Europe/Kiev."""
    former = [old for old, new in get_global("zone_aliases").items() if new == zone]
    cities = (locale.time_zones.get(each, {}).get("city") for each in (zone, *former))
    return next(filter(None, cities), None)


def _rows(file: str) -> Iterator[tuple[str, str]]:
    """Code and English name, of a table that ships."""
    text = (paths.assets() / "choices" / file).read_text(encoding="utf-8")
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return ((code, name) for code, name, *_ in lines)


if __name__ == "__main__":
    main()
