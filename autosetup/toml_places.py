"""Where each key of a TOML document stands; `tomllib` keeps values but forgets places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

Path = tuple[str | int, ...]
Place = tuple[int, int]

_KEY = r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'"""
_DOTTED = rf"(?:{_KEY})(?:\s*\.\s*(?:{_KEY}))*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_OPENING, _CLOSING = "[{", "]}"


def find_places(text: str) -> dict[Path, Place]:
    """Line and column (1-based) of each table header and key of a valid document.

    A path is the keys from the top, with the index after the name of an array of tables:
    ``("network", "wifi", 0, "ssid")``. A table without a header of its own stands where the first
    one does that names it; keys in an inline table stand where that table's key does.
    """
    places: dict[Path, Place] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in _statements(text):
        if header := _HEADER.match(line):
            table = _enter(_split(header[2]), header[1] == "[[", counts)
            place = (number, header.start(1) + 1)
            for depth in range(1, len(table)):
                places.setdefault(table[:depth], place)
            places[table] = place
        elif key := _ASSIGNMENT.match(line):
            path = table
            for part in _split(key[1]):
                path = (*path, part)
                places.setdefault(path, (number, key.start(1) + 1))
    return places


def _enter(names: tuple[str, ...], is_array: bool, counts: dict[Path, int]) -> Path:
    """The path of a header: names with the index of the latest element of each array on the way."""
    path: Path = ()
    for depth, name in enumerate(names, 1):
        path = (*path, name)
        if is_array and depth == len(names):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines that begin a statement: not those inside multi-line strings, arrays or tables."""
    continued = _continued_lines(text)
    bare = _TOKEN.sub(lambda token: re.sub(r"[^\n]", "_", token[0]), text).split("\n")
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        begins = depth == 0 and number not in continued
        if begins:
            yield number, line
        if not (begins and _HEADER.match(line)):
            depth += sum(bare[number - 1].count(mark) for mark in _OPENING)
            depth -= sum(bare[number - 1].count(mark) for mark in _CLOSING)


def _continued_lines(text: str) -> set[int]:
    """Numbers of the lines that begin inside a multi-line string."""
    lines: set[int] = set()
    for token in _TOKEN.finditer(text):
        first = text.count("\n", 0, token.start()) + 1
        lines.update(range(first + 1, first + 1 + token[0].count("\n")))
    return lines


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(_meant(part) for part in re.findall(_KEY, dotted))


def _meant(key: str) -> str:
    if key[0] == '"' and "\\" in key:
        return next(iter(tomllib.loads(f"{key} = 0")))
    return key[1:-1] if key[0] in "\"'" else key
