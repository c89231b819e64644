"""The ledger: a line for every card written, kept in SQLite so that nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, replace
from pathlib import Path

from flasher import __version__, paths
from flasher.errors import FlasherError
from flasher.rig.entry import (
    COLUMNS,
    DEFAULTS,
    Entry,
    Result,
    nanoseconds_in,
    nanoseconds_of,
    stamp,
    storable,
)
from flasher.rig.present import present

__all__ = ["Entry", "Ledger", "Result"]

# Of the tables; new columns do not count, as older programs leave them alone.
FORMAT = 2
_TABLE = f"CREATE TABLE IF NOT EXISTS card ({', '.join(COLUMNS)})"
_NAMES = ", ".join(COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM card ORDER BY entry_id"  # noqa: S608  (no input in it)
_INSERT = f"INSERT OR IGNORE INTO card ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_BY_ID = "CREATE UNIQUE INDEX IF NOT EXISTS card_by_id ON card (entry_id)"
_PATIENCE_SECONDS, _PAUSE_SECONDS = 30.0, 0.01


class Ledger:
    """The ledger in a file; it is made, with its folder, when the first card is recorded."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.data() / "ledger.sqlite"

    def prepare(self) -> None:
        """Make sure that lines can be added, before a card is touched.

        Raises:
            FlasherError: ``ledger-unusable``, with the path and what to do; ``ledger-newer``.
        """
        with self._open():
            pass

    def record(self, entry: Entry) -> Entry:
        """Add a line, durably; gives it back with its id. Raises as `prepare`."""
        return self.record_all([entry])[0]

    def record_all(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Add lines, durably, all or none; gives them back with their ids. Raises as `prepare`."""
        about = {"laptop": os.uname().nodename, "tool": f"flasher {__version__}"}
        now = self._now()
        named = (replace(entry, **about) for entry in entries)  # type: ignore[arg-type]
        recorded = tuple(stamp(storable(entry), now + n) for n, entry in enumerate(named))
        self.merge(recorded)
        return recorded

    def _now(self) -> int:
        """Nanoseconds since 1970, but after every line that there is, whatever clock made it."""
        with self._open() as database:
            (newest,) = database.execute("SELECT MAX(entry_id) FROM card").fetchone()
        return max(time.time_ns(), nanoseconds_in(newest) + 1 if newest else 0)

    def merge(self, entries: Iterable[Entry]) -> int:
        """Add lines that have their ids, all or none; those that are there stay as they are.

        Returns:
            how many were new.

        Raises:
            FlasherError: as `prepare`.
        """
        with self._open() as database:
            before = database.total_changes
            database.execute("BEGIN IMMEDIATE")
            database.executemany(_INSERT, map(astuple, entries))
            return database.total_changes - before

    def entries(self) -> tuple[Entry, ...]:
        """All lines, oldest first: the same ones in the same order on every computer."""
        if not self.path.exists():
            return ()
        with self._open() as database:
            rows = database.execute(_SELECT).fetchall()
        return tuple(Entry(*row) for row in rows)

    def made(self, profile: str, site: str) -> dict[str, Entry]:
        """What tells of the latest card of each node of a rig that has one still."""
        cards = present(self.entries()).values()
        return {card.node: card for card in cards if (card.profile, card.site) == (profile, site)}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose open transaction is committed at the end, or taken back."""
        try:
            paths.make_folder(self.path.parent)
            with closing(_connect(self.path)) as database:
                _keep_a_log(database)
                self._take_over(database)
                with database:
                    yield database
        except (sqlite3.Error, OSError) as error:
            raise FlasherError(
                "ledger-unusable",
                f"The ledger {self.path} cannot be used: {error}.",
                "Free the disk or mend the rights; FLASHER_DATA moves it elsewhere.",
            ) from error
        paths.hand_over(self.path)

    def _take_over(self, database: sqlite3.Connection) -> None:
        """Make the tables, or bring those of an earlier version up to date."""
        if (found := _format(database)) > FORMAT:
            raise FlasherError(
                "ledger-newer",
                f"The ledger {self.path} is of format {found}; this program knows up to {FORMAT}.",
                "Use the newer Flasher that wrote it.",
            )
        if found == FORMAT and not _missing_columns(database):
            return
        with database:
            database.execute("BEGIN IMMEDIATE")  # another program may be about to do the same
            database.execute(_TABLE)
            for name in _missing_columns(database):
                database.execute(f"ALTER TABLE card ADD COLUMN {name} DEFAULT {DEFAULTS[name]!r}")
            _give_ids(database)
            database.execute(_BY_ID)
            database.execute(f"PRAGMA user_version = {FORMAT}")


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _keep_a_log(database: sqlite3.Connection) -> None:
    """Turn to write-ahead logging, so that readers need not wait for writers.

    Of two programs that both do so in a new ledger SQLite refuses one, without its patience.
    """
    last = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _format(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _missing_columns(database: sqlite3.Connection) -> list[str]:
    there = {row[1] for row in database.execute("PRAGMA table_info(card)")}
    return [name for name in COLUMNS if name not in there]


def _give_ids(database: sqlite3.Connection) -> None:
    """Ids for lines of the time before there were any; each copy of such a ledger gives the same.

    Lines that are equal in all columns are told apart by their number.
    """
    rows = database.execute(f"SELECT {_NAMES}, rowid FROM card WHERE entry_id = ''").fetchall()  # noqa: S608
    seen = Counter[Entry]()
    for *values, row in rows:
        entry = Entry(*values)
        stamped = stamp(entry, nanoseconds_of(entry.written_at) + seen[entry])
        seen[entry] += 1
        database.execute("UPDATE card SET entry_id = ? WHERE rowid = ?", (stamped.entry_id, row))
