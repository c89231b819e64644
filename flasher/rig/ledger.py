"""The ledger: a line for every card written, kept in SQLite so that nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

from flasher import paths
from flasher.errors import FlasherError

Result = Literal["verified", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One card written.

    Attributes:
        written_at: UTC, ISO 8601.
        generation, card_id: as in the payload's manifest.
        drive, serial: path and serial of the drive; USB readers report their own serial.
        image_digest: sha256 of the raw base image.
        bytes_written, seconds: of writing and verifying together.
        reason: one sentence; empty where `result` is ``verified``, unless a card was mended.
        host_key: the node's public SSH host key, where the card brought one.
    """

    written_at: str
    profile: str
    site: str
    node: str
    position: str
    generation: int
    card_id: str
    drive: str
    serial: str
    image_digest: str
    bytes_written: int
    seconds: float
    result: Result
    reason: str
    host_key: str = ""


_COLUMNS = tuple(field.name for field in fields(Entry))
_TABLE = f"CREATE TABLE IF NOT EXISTS card ({', '.join(_COLUMNS)})"
_INSERT = f"INSERT INTO card VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608  (no input in it)


class Ledger:
    """The ledger in a file; it is made, with its folder, when the first card is recorded."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.data() / "ledger.sqlite"

    def prepare(self) -> None:
        """Make sure that lines can be added, before a card is touched.

        Raises:
            FlasherError: ``ledger-unusable``, with the path and what to do.
        """
        with self._open():
            pass

    def record(self, entry: Entry) -> None:
        """Add a line, durably. Raises as `prepare`."""
        with self._open() as database:
            database.execute(_INSERT, astuple(entry))

    def entries(self) -> tuple[Entry, ...]:
        """All lines, oldest first."""
        if not self.path.exists():
            return ()
        with self._open() as database:
            rows = database.execute("SELECT * FROM card ORDER BY written_at, rowid").fetchall()
        return tuple(Entry(*row) for row in rows)

    def made(self, profile: str, site: str) -> dict[str, Entry]:
        """The latest verified card of each node of a rig."""
        return {
            entry.node: entry
            for entry in self.entries()
            if (entry.profile, entry.site, entry.result) == (profile, site, "verified")
        }

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            paths.make_folder(self.path.parent)
            with closing(sqlite3.connect(self.path)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=FULL")
                with database:
                    database.execute(_TABLE)
                    _add_missing_columns(database)
                    yield database
        except (sqlite3.Error, OSError) as error:
            raise FlasherError(
                "ledger-unusable",
                f"The ledger {self.path} cannot be used: {error}.",
                "Free the disk or mend the rights; FLASHER_DATA moves it elsewhere.",
            ) from error
        paths.hand_over(self.path)


def _add_missing_columns(database: sqlite3.Connection) -> None:
    """What a ledger of an earlier version lacks; new columns always come last."""
    if _count_columns(database) < len(_COLUMNS):
        database.execute("BEGIN IMMEDIATE")  # another program may be about to do the same
        for name in _COLUMNS[_count_columns(database) :]:
            database.execute(f"ALTER TABLE card ADD COLUMN {name} DEFAULT ''")


def _count_columns(database: sqlite3.Connection) -> int:
    return len(database.execute("PRAGMA table_info(card)").fetchall())
