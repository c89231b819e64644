"""A real terminal, seen and typed at from outside: tmux, with a server of its own."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flasher.process import run

_PATIENCE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
# What a shell says when the program has ended, behind it its exit status.
ENDED = "ended with"
# Whose words would not be English, whose colours would not be those that are looked for, or whose
# size would count before the terminal's own.
_NOT_PASSED = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "NO_COLOR", "TMUX", "COLUMNS", "LINES")


class Terminal:
    """One window with a program in it; made by `terminal`."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-u", "-S", str(socket), "-f", "/dev/null"]

    def start(self, command: str, folder: Path, size: tuple[int, int]) -> None:
        """Have a shell note the terminal's settings, run a command, note them again, and stay."""
        before, after = folder / "before", folder / "after"
        script = (
            f"stty -a > {before}; {command}; status=$?; stty -a > {after}; "
            f"echo {ENDED} $status; exec cat"
        )
        place = ["-d", "-x", str(size[0]), "-y", str(size[1])]
        kept = [f"-u{name}" for name in _NOT_PASSED]
        environment = {"LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        shell = shlex.join(["env", *kept, "sh", "-c", script])
        run([*self._tmux, "new-session", *place, shell], env=environment)

    def press(self, *keys: str) -> None:
        """Type keys, by tmux's names: ``Enter``, ``Escape``, ``F8``, ``C-q``."""
        run([*self._tmux, "send-keys", *keys])

    def screen(self, *, colours: bool = False) -> str:
        """What can be read on the screen; with the sequences that colour it, if asked for."""
        return run([*self._tmux, "capture-pane", "-p", *(["-e"] if colours else [])]).text

    def until(self, *patterns: str) -> str:
        """Wait until any of these regular expressions is found on the screen; the screen."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not any(re.search(pattern, seen := self.screen()) for pattern in patterns):
            if time.monotonic() > end:
                raise TimeoutError(f"{patterns} never came:\n{seen}")
            time.sleep(_LOOK_EVERY_SECONDS)
        return seen

    def ask(self, name: str) -> str:
        """What tmux knows of the window by this name, see tmux(1), FORMATS."""
        return run([*self._tmux, "display-message", "-p", f"#{{{name}}}"]).text.strip()

    def children(self) -> list[int]:
        """The processes that the shell in the window has, and theirs."""
        return list(_below(int(self.ask("pane_pid"))))

    def close(self) -> None:
        """End it, with all that runs in it."""
        run([*self._tmux, "kill-server"], ok=(0, 1))


def _below(parent: int) -> Iterator[int]:
    for listed in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in map(int, listed.read_text().split()):
            yield child
            yield from _below(child)


@contextmanager
def terminal(
    command: str,
    folder: Path,
    *,
    size: tuple[int, int] = (80, 24),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """A terminal in which a command runs.

    Args:
        command: of a shell.
        folder: for the socket, and for the terminal's settings ``before`` and ``after``.
        size: columns and lines.
        environment: variables of the command.
    """
    opened = Terminal(folder / "tmux")
    settings = "".join(f"{name}={shlex.quote(text)} " for name, text in (environment or {}).items())
    try:
        opened.start(f"{settings}{command}", folder, size)
        yield opened
    finally:
        opened.close()
