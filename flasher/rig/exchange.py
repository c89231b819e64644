"""Ledgers on their way between laptops: written to a file, and read from one without a doubt.

A file is a JSON object, the one that ``flasher ledger export --json`` prints, or another laptop's
``ledger.sqlite`` itself. Whatever is wrong with it is told before a line is taken over.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from pathlib import Path

from autosetup import forms
from autosetup.faults import shown
from flasher.errors import BadInput
from flasher.rig.documents import NAME
from flasher.rig.entry import COLUMNS, COMMANDS, DEFAULTS, NO_ROOT, RESULTS, Entry, is_genuine
from flasher.rig.ledger import FORMAT as TABLES
from flasher.rig.ledger import Ledger

FORMAT, KIND = 1, "ledger"
_SQLITE = b"SQLite format 3\0"
_AGAIN = "Take it once more from the laptop that it comes from: flasher ledger export FILE"
_UPDATE = "Use a Flasher as new as the one that wrote it."
_KINDS = {field.name: str(field.type) for field in fields(Entry)}


def _form(regex: str) -> Callable[[str], bool]:
    compiled = re.compile(f"(?:{regex})?", re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def _is_time(text: str) -> bool:
    try:
        return not text or datetime.fromisoformat(text).utcoffset() == timedelta()
    except ValueError:
        return False


# What goes on to other programs must be what it seems to be: Ansible runs what stands in braces.
_FORMS: dict[str, Callable[[str], bool]] = {
    "entry_id": _form("[0-9a-f]{32}"),
    "written_at": _is_time,
    "finished_at": _is_time,
    "result": RESULTS.__contains__,
    "node": _form(forms.HOSTNAME.regex.pattern),
    "role": _form(forms.ROLE.regex.pattern),
    "user": _form(forms.USER_NAME.regex.pattern),
    "profile": _form(NAME.regex.pattern),
    "site": _form(NAME.regex.pattern),
    "position": _form("[^{}\x00-\x1f]{1,64}"),
    "address": lambda text: not text or forms.address(text) is not None,
    "card_id": _form(forms.CARD_ID.regex.pattern),
    "image_digest": _form(forms.SHA256.regex.pattern),
    "sealing_key": _form(forms.KEY.regex.pattern),
    "report_key": _form(forms.KEY.regex.pattern),
    "reached_from": _form(forms.HOSTNAME.regex.pattern),
    "update_root": _form(f"{forms.SHA256.regex.pattern}|{NO_ROOT}"),
    "host_key": _form("ssh-ed25519 [A-Za-z0-9+/=]+"),
}


def to_json(entries: Iterable[Entry]) -> str:
    """The file's text: an entry a line, so that two files can be compared by eye."""
    lines = ",\n".join(json.dumps(asdict(entry), ensure_ascii=False) for entry in entries)
    head = json.dumps({"flasher": FORMAT, "kind": KIND})
    return f'{head[:-1]}, "entries": [\n{lines}\n]}}\n'


def read_ledger(path: Path) -> tuple[Entry, ...]:
    """All lines of a file that another computer wrote.

    Raises:
        BadInput: ``ledger-unreadable``; ``ledger-foreign``, it is something else; ``ledger-newer``,
            this program would lose what it says; ``ledger-damaged``, with the line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise BadInput("ledger-unreadable", what, "Check the path and your rights to it.") from None
    return _read_tables(path) if raw.startswith(_SQLITE) else _read_json(path, raw)


def _read_json(path: Path, raw: bytes) -> tuple[Entry, ...]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        if raw.lstrip().startswith(b'{"flasher"'):
            raise _damaged(path, f"it ends too early or was changed: {error}") from None
        raise _foreign(path) from None
    if not isinstance(found, dict) or found.get("kind") != KIND or "flasher" not in found:
        raise _foreign(path)
    if found["flasher"] != FORMAT:
        what = f"{path} is of format {found['flasher']}; this program knows {FORMAT}."
        raise BadInput("ledger-newer", what, _UPDATE)
    lines = found.get("entries")
    if not isinstance(lines, list):
        raise _damaged(path, "it has no entries")
    return tuple(_read_line(path, number, line) for number, line in enumerate(lines, 1))


def _read_tables(path: Path) -> tuple[Entry, ...]:
    """From a copy, as reading may mean to bring it up to date, and the medium may be locked."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ledger.sqlite"
        for end in ("", "-wal"):
            if (part := Path(f"{path}{end}")).exists():
                shutil.copyfile(part, f"{copy}{end}")
        try:
            _check_tables(path, copy)
        except sqlite3.Error as error:
            raise _damaged(path, str(error)) from None
        lines = map(asdict, Ledger(copy).entries())
        return tuple(_read_line(path, number, line) for number, line in enumerate(lines, 1))


def _check_tables(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(card)")]
        if not set(COLUMNS) - DEFAULTS.keys() <= set(columns):
            raise _foreign(path)
        (found,) = database.execute("PRAGMA user_version").fetchone()
        _refuse_unknown(path, columns)
        if found > TABLES:
            what = f"{path} is of format {found}; this program knows up to {TABLES}."
            raise BadInput("ledger-newer", what, _UPDATE)
        (sound,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if sound != "ok":
            raise _damaged(path, sound)


def _refuse_unknown(path: Path, names: Iterable[str]) -> None:
    if unknown := sorted(set(names) - set(COLUMNS)):
        what = f"{path} tells what this program does not know: {shown(', '.join(unknown))}."
        raise BadInput("ledger-newer", what, _UPDATE)


def _read_line(path: Path, number: int, line: object) -> Entry:
    place = f"line {number}"
    if not isinstance(line, Mapping):
        raise _damaged(path, f"{place} is no entry")
    _refuse_unknown(path, line)
    values = {name: _value(name, line.get(name, DEFAULTS.get(name))) for name in COLUMNS}
    if wrong := [name for name, value in values.items() if value is None]:
        raise _damaged(path, f"{place} lacks {wrong[0]}, or has something else there")
    if wrong := [name for name, is_fit in _FORMS.items() if not is_fit(str(values[name]))]:
        raise _damaged(path, f"{place} has {values[wrong[0]]!r} as its {wrong[0]}")
    if wrong := [name for name, value in values.items() if COMMANDS.search(str(value))]:
        raise _damaged(path, f"{place} has control characters in its {wrong[0]}")
    entry = Entry(**values)  # type: ignore[arg-type]
    if not is_genuine(entry):
        raise _damaged(path, f"{place} was changed after it was written")
    return entry


def _value(name: str, value: object) -> str | int | float | None:
    """The value as its column has it; None where it is of no such kind, or cannot be kept."""
    match _KINDS[name], value:
        case _, bool():
            return None
        case "int", int(number) if abs(number) < 1 << 63:
            return number
        case "float", (int() | float()) as number if abs(number) < 1e300:
            return float(number)
        case "str" | "Result", str(text) if _is_text(text):
            return text
    return None


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON may hold halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _foreign(path: Path) -> BadInput:
    return BadInput("ledger-foreign", f"{path} is no ledger of Flasher.", _AGAIN)


def _damaged(path: Path, why: str) -> BadInput:
    return BadInput("ledger-damaged", f"{path} is damaged: {shown(why)}.", _AGAIN)
