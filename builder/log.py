"""The log of one build: every line of every program, kept in a file and told as events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from flasher.events import Emit, Noted

_KEPT = 10


@dataclass(frozen=True, slots=True)
class Log:
    """Writes lines with the time of day (UTC) and passes them on.

    Attributes:
        subject: the layer that the lines concern.
    """

    path: Path
    stream: TextIO
    emit: Emit
    subject: str = "build"

    def about(self, subject: str) -> Log:
        """The same log, for the lines of another layer."""
        return Log(self.path, self.stream, self.emit, subject)

    def write(self, line: str) -> None:
        """Keep one line and tell it."""
        self._keep(line)
        self.emit(Noted(self.subject, line))

    def warn(self, line: str) -> None:
        """The same for a line that nobody should miss."""
        self._keep(line)
        self.emit(Noted(self.subject, line, warning=True))

    def _keep(self, line: str) -> None:
        now = datetime.now(UTC)
        self.stream.write(f"{now:%H:%M:%S} [{self.subject}] {line}\n")
        self.stream.flush()


@contextmanager
def open_log(folder: Path, emit: Emit) -> Iterator[Log]:
    """Give a new log in a folder; the oldest beyond ten go."""
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%dT%H%M%S.%f}Z.log"
    for old in sorted(folder.glob("*.log"))[: 1 - _KEPT]:
        old.unlink()
    with path.open("w", encoding="utf-8", errors="replace") as stream:
        yield Log(path, stream, emit)
