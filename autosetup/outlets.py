"""Where the node says how it is: status and log on the card, the console, the service manager."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from autosetup import forms
from autosetup.errors import AgentError
from autosetup.faults import shown
from autosetup.notify import notify
from autosetup.payload import LOG, STATUS
from autosetup.scrub import redact
from autosetup.status import Status, headline, lines_of
from autosetup.system import draft_of, replace_file

# The consoles that the kernel was told of, in one line: "ttyS1 tty0".
_ACTIVE_CONSOLES = Path("/sys/class/tty/console/active")
# For those on the node; gone with the next boot.
RUNNING = Path("/run/autosetup")
# Shown by agetty(8) above each login prompt; gone with the next boot too.
ISSUE = Path("/run/issue.d/autosetup.issue")
_LOG_LIMIT = 64 * 1024
# Ctrl-S, or noise on a serial line that reads like it, stops a console for as long as it likes.
_CONSOLE_SECONDS = 0.5


def utc_now() -> str:
    """The time as the contract writes it: ``2026-11-21T03:39:50Z``."""
    return forms.utc_text(time.time())


def active_consoles() -> tuple[Path, ...]:
    """Every console of this system; `/dev/console` would be only the last of them."""
    try:
        names = _ACTIVE_CONSOLES.read_text().split()
    except OSError:
        return ()
    return tuple(Path("/dev") / name for name in names)


def to_journal(line: str) -> None:
    """A line for the system's journal, which collects what services print, or for who called us.

    Whoever listens may be gone: a pipe that was closed, a terminal that hung up.
    """
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(slots=True)
class Outlets:
    """Everything that leaves the agent, with secrets taken out.

    Attributes:
        card: the payload's folder on the boot partition; None where there is none.
        running: folder for the status that programs on the node read.
        consoles: devices or files that show the banner: screens and serial lines alike.
        secrets: texts that must never be shown.
        sink: takes each line of the log as it comes.
        writing: within it, the card can be written.
        issue: file with the banner for those who come to a console later; None for none.
        signs: what else shows a state; told also whether it is new. What fails there is survived.
    """

    card: Path | None
    running: Path = RUNNING
    consoles: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = ()
    sink: Callable[[str], None] = to_journal
    writing: Callable[[], AbstractContextManager[None]] = nullcontext
    issue: Path | None = None
    signs: tuple[Callable[[Status, bool], None], ...] = ()
    lines: list[str] = field(default_factory=list)

    def log(self, text: str) -> None:
        """Add lines to the log."""
        for line in map(_shown, redact(text, self.secrets).splitlines()):
            self.lines.append(f"{utc_now()} {line}")
            self.sink(line)

    def announce(self, status: Status) -> None:
        """Publish a transition everywhere; a card that cannot be written is said and survived."""
        self.log(f"autosetup: {headline(status)}")
        self._banner(status)
        with suppress(OSError):
            notify(f"STATUS={headline(status)}")
        self._show(status, is_new=True)
        self.keep(status)
        self.flush_log()

    def repeat(self, status: Status) -> None:
        """Say again at a later boot what was reached; a card that says so is not touched."""
        self.sink(f"autosetup: {headline(status)}")
        self._banner(status)
        self._show(status, is_new=False)
        self.keep(status)
        self._tidy()

    def keep(self, status: Status) -> None:
        """Make both status files say this; those that do are left alone."""
        data = status.to_json()
        with suppress(OSError):
            self.running.mkdir(parents=True, exist_ok=True)
            _replace_if_other(self.running / STATUS, data)
        self._to_card(STATUS, data)

    def flush_log(self) -> None:
        """Append the lines so far to the log on the card, of which only the end is kept."""
        if self.card and self.lines:
            old = _bytes_of(self.card / LOG)
            new = "".join(f"{line}\n" for line in self.lines).encode()
            if self._to_card(LOG, _tail(old + new)):
                self.lines.clear()

    def _to_card(self, name: str, data: bytes) -> bool:
        if self.card is None:
            return False
        if _bytes_of(self.card / name) == data:
            return True
        try:
            with self.writing():
                replace_file(self.card / name, data)
        except OSError as error:
            self.sink(f"{name} on the card could not be written: {error.strerror}.")
            return False
        return True

    def _tidy(self) -> None:
        """Remove what a power cut in the middle of the last writing has left."""
        if self.card:
            for name in (STATUS, LOG):
                with suppress(OSError):
                    draft_of(self.card / name).unlink(missing_ok=True)

    def _show(self, status: Status, *, is_new: bool) -> None:
        for sign in self.signs:
            try:
                sign(status, is_new)
            except (AgentError, OSError) as error:
                self.sink(f"A sign of the state cannot be given: {error}.")

    def _banner(self, status: Status) -> None:
        text = redact("".join(f"{line}\n" for line in lines_of(status)), self.secrets)
        text = f"autosetup: {text}"
        for path in self.consoles:
            with suppress(OSError):
                _write_console(path, text.encode())
        if self.issue:
            with suppress(OSError):
                self.issue.parent.mkdir(parents=True, exist_ok=True)
                _replace_if_other(self.issue, _escaped(text).encode())


def _shown(line: str) -> str:
    """A line that no screen obeys, with its tabs."""
    return "\t".join(map(shown, line.split("\t")))


def _escaped(text: str) -> str:
    """Lines for agetty, which has a meaning for letters behind a backslash."""
    return text.replace("\\", "\\\\")


def _write_console(path: Path, text: bytes) -> None:
    """As much as the console takes within a moment."""
    until = time.monotonic() + _CONSOLE_SECONDS
    console = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        while text and select.select((), (console,), (), max(0.0, until - time.monotonic()))[1]:
            text = text[os.write(console, text) :]
    finally:
        os.close(console)


def _replace_if_other(path: Path, data: bytes) -> None:
    """Put a file into ``/run`` that everybody can read."""
    if _bytes_of(path) != data:
        replace_file(path, data, 0o644, (os.geteuid(), os.getegid()))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _tail(log: bytes) -> bytes:
    """The last whole lines that fit."""
    if len(log) <= _LOG_LIMIT:
        return log
    cut = log[-_LOG_LIMIT:]
    return cut[cut.index(b"\n") + 1 :] if b"\n" in cut else cut
