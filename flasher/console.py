"""What people and scripts see of a command: lines, tables, progress, errors; or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import TextIO

from flasher.errors import BadInput, Cancelled, FlasherError
from flasher.events import Emit, Event

JSON_VERSION = 1


@dataclass(slots=True)
class Console:
    """The streams of one command; results go to `out`, progress and errors to `err`.

    With `as_json`, results and progress are JSON objects on `out`, one a line.
    """

    out: TextIO
    err: TextIO
    as_json: bool = False

    @property
    def interactive(self) -> bool:
        """Whether there is a person who can be asked."""
        return not self.as_json and sys.stdin.isatty() and self.err.isatty()

    def say(self, text: str = "") -> None:
        """A line for people; silent with JSON."""
        if not self.as_json:
            self.out.write(f"{text}\n")
            self.out.flush()

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Columns for people, as wide as they need to be."""
        cells = [list(map(str, row)) for row in [headings, *rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]
        for row in cells:
            self.say(
                "  ".join(
                    cell.ljust(width) for cell, width in zip(row, widths, strict=True)
                ).rstrip()
            )

    def result(self, kind: str, content: Mapping[str, object]) -> None:
        """The one object that a command prints with ``--json``; silent without."""
        if self.as_json:
            self._write_json({"flasher": JSON_VERSION, "kind": kind, **content})

    def error(self, error: FlasherError) -> None:
        """What happened, and what to do."""
        if self.as_json:
            words = {"code": error.code, "message": error.message, "hint": error.hint}
            self._write_json(
                {"flasher": JSON_VERSION, "kind": "error", **words, "exit": int(error.exit_code)}
            )
            return
        self.err.write(f"flasher: {error.message}\n  → {error.hint}\n")

    def warn(self, text: str) -> None:
        """A line that should not be missed, on the error stream."""
        if not self.as_json:
            self.err.write(f"{text}\n")

    def progress(self) -> AbstractContextManager[Emit]:
        """Draws events while a block runs: bars on a terminal, lines elsewhere, JSON if asked."""
        if self.as_json:
            return nullcontext(self._emit_json)
        if self.err.isatty():
            from flasher.bars import BarProgress

            return BarProgress(self.err)
        from flasher.progress import LineProgress

        return LineProgress(self.err)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is lost; only the word ``yes`` goes on.

        Raises:
            BadInput: nobody can be asked and ``--yes`` was not given.
            Cancelled: the answer was another.
        """
        if yes:
            return
        if not self.interactive:
            raise BadInput(
                "not-confirmed",
                "This needs a confirmation, and nobody is here to ask.",
                "Add --yes.",
            )
        if self.ask(f"{question}\nType yes to go on: ").strip().lower() != "yes":
            raise Cancelled("The command")

    def ask(self, prompt: str) -> str:
        """A line typed by the person in front of it; the end of input cancels."""
        self.err.write(prompt)
        self.err.flush()
        line = sys.stdin.readline()
        if not line:
            raise Cancelled("The command")
        return line.rstrip("\n")

    def _emit_json(self, event: Event) -> None:
        body = {"flasher": JSON_VERSION, "kind": "progress", "event": type(event).__name__}
        self._write_json({**body, **asdict(event)})

    def _write_json(self, content: Mapping[str, object]) -> None:
        self.out.write(json.dumps(content, ensure_ascii=False, default=str) + "\n")
        self.out.flush()
