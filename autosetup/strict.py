"""TOML read strictly: every value has a type, every fault has a place, all faults come at once.

    with reading("site.toml", raw) as top:
        name = top.string("name", pattern=HOSTNAME)
        country = top.table("network").string("country", default="")

The getters collect faults and hand back a harmless value, so reading goes on; the end of the block
adds every key that nobody asked for and raises `Faulty` with all of them.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

from autosetup.faults import Fault, Faulty, shown
from autosetup.toml_places import Path, Place, find_places
from autosetup.toml_remedies import SMART_QUOTES, remedy_for

_SYNTAX_PLACE = re.compile(
    r"^(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\)$"
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A form that text must have, and how to say it to people."""

    regex: re.Pattern[str]
    wanted: str

    def complain(self, text: str) -> str | None:
        """None where the text fits, else what is wanted."""
        return None if self.regex.fullmatch(text) else self.wanted


def pattern(regex: str, wanted: str) -> Pattern:
    """A `Pattern` that must match the whole text; `wanted` completes "it must be …"."""
    return Pattern(re.compile(regex), wanted)


@dataclass(slots=True)
class Document:
    """What all tables of one document share: its places, and the faults found so far.

    `hides_values` keeps every value out of the faults, for documents that hold secrets. Those that
    nobody types (`is_typed`) may have any quotes in their texts.
    """

    file: str
    places: Mapping[Path, Place]
    hides_values: bool = False
    is_typed: bool = True
    faults: list[Fault] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@contextmanager
def reading(file: str, raw: bytes, *, secret: bool = False) -> Iterator[Table]:
    """Give a cursor on the top table of a document; raise `Faulty` at the end if anything is wrong.

    Args:
        file: the name to show in faults.
        raw: the bytes of the file. A UTF-8 BOM and CRLF line ends are accepted.
        secret: the file holds secrets; no fault shows a value, or any part of one, nor a key that
            people chose.
    """
    text = decode(file, raw)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Faulty([_syntax_fault(file, text, error, secret)]) from None
    except (RecursionError, ValueError) as error:  # brackets a thousand deep, endless numbers
        why = "" if secret else f": {error}"
        what = f"This is no document that people write{why}."
        raise Faulty([Fault(file, 0, 0, what, "Begin it anew from the example.")]) from None
    document = Document(file, find_places(text), secret)
    yield Table(document, (), values)
    for table in document.tables:
        table.refuse_unknown()
    if document.faults:
        raise Faulty(document.faults)


def decode(file: str, raw: bytes, remedy: str = "Save the file as UTF-8.") -> str:
    """Text of a document that people edit; raises `Faulty` for UTF-16, NULs and other encodings."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
        what, at = "This is not plain UTF-8 text (UTF-16 or binary).", max(raw.find(b"\x00") - 1, 0)
    else:
        try:
            return raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            what, at = "This byte is not UTF-8.", error.start
    line, column = raw.count(b"\n", 0, at) + 1, at - raw.rfind(b"\n", 0, at)
    raise Faulty([Fault(file, line, column, what, remedy)])


def _syntax_fault(file: str, text: str, error: tomllib.TOMLDecodeError, secret: bool) -> Fault:
    found = _SYNTAX_PLACE.match(str(error))
    lines = text.split("\n")
    if found and found["line"]:
        line, column = int(found["line"]), int(found["column"])
    else:
        line, column = len(lines), len(lines[-1]) + 1
    what = f"{found['what'] if found else error}."
    remedy = remedy_for(what, lines, line, column)
    # The parser quotes characters and keys, and a secret without its quotes reads as keys.
    return Fault(file, line, column, "This line is no TOML." if secret else what, remedy)


class Table:
    """A cursor on one table; each getter reads one key and notes what is wrong with it."""

    def __init__(self, document: Document, path: Path, values: Mapping[str, object]) -> None:
        self._document, self._path, self._values = document, path, values
        self._known: set[str] = set()
        document.tables.append(self)

    def names(self) -> tuple[str, ...]:
        """The keys that are there, for tables whose keys are names that people choose."""
        return tuple(self._values)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def string(
        self,
        key: str,
        *,
        default: str | None = None,
        form: Pattern | None = None,
        choices: Sequence[str] = (),
    ) -> str:
        """Text of one line. Required without a `default`; `form` and `choices` limit it."""
        value = self._get(key, str, "text in quotes", default)
        if value is None or value is default:
            return default or ""
        if complaint := self._complaint(value, form, choices):
            self._refuse(key, f"is {value!r}", complaint)
        return value

    def integer(self, key: str, *, default: int | None = None, low: int, high: int) -> int:
        """A whole number from `low` to `high`. Required without a `default`."""
        value = self._get(key, int, "a whole number", default)
        if value is None:
            return low
        if not low <= value <= high:
            self._refuse(key, f"is {value}", f"Type a number from {low} to {high}.")
        return value

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        """True or false. Required without a `default`."""
        return self._get(key, bool, "true or false", default) or False

    def strings(
        self, key: str, *, default: tuple[str, ...] | None = None, form: Pattern | None = None
    ) -> tuple[str, ...]:
        """A list of texts. Required without a `default`."""
        value = self._get(
            key, list, 'a list of texts: ["a", "b"]', [] if default == () else default
        )
        if not isinstance(value, list):
            return default or ()
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) < len(value):
            self.fault(key, f"{key} holds something that is not text.", "Put each item in quotes.")
        for text in texts:
            if complaint := self._complaint(text, form, ()):
                self._refuse(key, f"holds {text!r}", complaint)
        return tuple(texts)

    def table(self, key: str) -> Table:
        """A table of its own; an empty one where the key is missing."""
        value = self._get(key, dict, f"a table: [{key}]", {})
        return Table(self._document, (*self._path, key), value or {})

    def tables(self, key: str) -> list[Table]:
        """An array of tables, written ``[[key]]``; empty where the key is missing."""
        value = self._get(key, list, f"a list of tables: [[{key}]]", [])
        items = [item for item in value or [] if isinstance(item, dict)]
        if len(items) < len(value or []):
            self.fault(key, f"{key} holds something that is not a table.", f"Write [[{key}]].")
        return [
            Table(self._document, (*self._path, key, index), cast("dict[str, object]", item))
            for index, item in enumerate(items)
        ]

    def fault(self, key: str, what: str, remedy: str) -> None:
        """Note a fault at `key`, or at the table itself where the key is not there."""
        document = self._document
        place = document.places.get((*self._path, key)) or self._own_place()
        document.faults.append(Fault(document.file, *place, shown(what), remedy))

    def refuse_unknown(self) -> None:
        """Note each key that no getter asked for, with the nearest one that exists."""
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1)
                known = ", ".join(sorted(self._known))
                remedy = f"Did you mean {near[0]}?" if near else f"Known here: {known}."
                shown_key = "This name" if self._document.hides_values else key
                self.fault(key, f"{shown_key} is not known here.", remedy)

    def _refuse(self, key: str, finding: str, remedy: str) -> None:
        """Note what a value is; of a secret only that it does not fit."""
        # Nor the key: somebody may have taken name and secret for each other.
        hidden = "This value does not fit."
        self.fault(key, hidden if self._document.hides_values else f"{key} {finding}.", remedy)

    def _complaint(self, text: str, form: Pattern | None, choices: Sequence[str]) -> str | None:
        if self._document.is_typed and set(text[:1] + text[-1:]) & set(SMART_QUOTES):
            return "Delete the curly quotes inside the plain ones."
        return _complaint(text, form, choices)

    def _own_place(self) -> Place:
        for end in range(len(self._path), 0, -1):
            if place := self._document.places.get(self._path[:end]):
                return place
        return (0, 0)

    def _get(self, key: str, kind: type[T], wanted: str, default: object) -> T | None:
        self._known.add(key)
        if key not in self._values:
            if default is None:
                self.fault(key, f"{key} is missing.", f"Add it: {wanted}.")
            return cast("T | None", default)
        value = self._values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self._refuse(key, f"is {value!r}", f"It must be {wanted}.")
            return cast("T | None", default)
        return value


def _complaint(text: str, form: Pattern | None, choices: Sequence[str]) -> str | None:
    if re.search(r"[\x00-\x1f\x7f]", text):
        return "Delete the control character in it: a tab, a line end or the like."
    if choices and text not in choices:
        near = difflib.get_close_matches(text, choices, 1)
        listed = ", ".join(choices[:12])
        return f"Did you mean {near[0]}?" if near else f"Choose one of: {listed}."
    wanted = form.complain(text) if form else None
    return f"It must be {wanted}." if wanted else None
