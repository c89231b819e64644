"""JSON read as strictly as TOML: the same cursor, with duplicate keys and odd numbers refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from autosetup.faults import Fault, Faulty
from autosetup.strict import Document, Table, decode

REMEDY = "A program writes this file, never a person: prepare the card again."


@contextmanager
def reading_json(file: str, raw: bytes) -> Iterator[Table]:
    """Give a cursor on the top object; raise `Faulty` at the end if anything is wrong.

    Only syntax faults have a line: programs write these files, nobody edits them.
    """
    document = Document(file, {}, is_typed=False)
    yield Table(document, (), _parse(file, decode(file, raw, REMEDY)))
    for table in document.tables:
        table.refuse_unknown()
    if document.faults:
        raise Faulty(document.faults)


def _parse(file: str, text: str) -> dict[str, object]:
    place = (0, 0)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # fails for halves of characters
        if isinstance(value, dict):
            return value
        what = "This is not a JSON object."
    except json.JSONDecodeError as error:
        what, place = f"{error.msg}.", (error.lineno, error.colno)
    except (ValueError, RecursionError) as error:
        what = f"This cannot be read: {error}."
    raise Faulty([Fault(file, *place, what, REMEDY)])


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands twice")
    return table


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no number")
