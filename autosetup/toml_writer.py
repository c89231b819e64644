"""TOML written deterministically: same values, same bytes. `tomllib` only reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')


def dumps(values: Mapping[str, Value]) -> str:
    """Text of a document: plain values first, then tables, each in the order given."""
    return "\n".join(_lines(values, "")).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Value], prefix: str) -> Iterator[str]:
    for key, value in table.items():
        if not isinstance(value, Mapping) and not _tables(value):
            yield f"{_key(key)} = {_inline(value)}"
    for key, value in table.items():
        name = f"{prefix}{_key(key)}"
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]", *_lines(value, f"{name}."))
        for item in _tables(value):
            yield from ("", f"[[{name}]]", *_lines(item, f"{name}."))


def _tables(value: Value) -> list[Mapping[str, Value]]:
    """The items of an array of tables; empty for every other value."""
    if isinstance(value, Mapping | str | int):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def _inline(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        raise TypeError("a table cannot stand among plain values")
    return f"[{', '.join(_inline(item) for item in value)}]"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    escaped = _ESCAPED.sub(lambda found: _escape(found[0]), text)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04X}"
