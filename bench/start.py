"""How soon the command line answers, and the wizard's first screen is there: against bare peers.

    .venv/bin/python bench/start.py

All in a terminal of 80 × 24 that is read until what must come is there; in turn, medians.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pexpect

ROUNDS = 15
PYTHON = sys.executable
FLASHER = str(Path(PYTHON).with_name("flasher"))
# The least that a person could call an application: one screen with one line.
EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("nothing else")
Empty().run()
"""


@dataclass(frozen=True, slots=True)
class Start:
    """A program, and the text that shows that it is there."""

    name: str
    command: tuple[str, ...]
    shows: str


STARTS = (
    Start("python -c pass", (PYTHON, "-c", "print('there')"), "there"),
    Start("flasher --help", (FLASHER, "--help"), "doctor"),
    Start("an empty Textual application", (PYTHON, "-c", EMPTY), "nothing else"),
    Start("the wizard's first screen", (FLASHER, "--practice"), "Which scanner?"),
    Start("the same, with its scanners", (FLASHER, "--practice"), "body-16x7"),
)


def seconds(start: Start, data: str) -> float:
    """From the call until it shows what it must."""
    environment = os.environ | {"FLASHER_DATA": data, "TERM": "xterm-256color"}
    environment = environment | {"TEXTUAL_ANIMATIONS": "none", "LANG": "C.UTF-8"}
    begun = time.perf_counter()
    program, *arguments = start.command
    child = pexpect.spawn(program, arguments, env=environment, dimensions=(24, 80), timeout=30)
    child.expect_exact(start.shows)
    took = time.perf_counter() - begun
    child.kill(signal.SIGKILL)
    child.wait()
    child.close()
    return took


def main() -> None:
    """All of them, in turn."""
    times: dict[str, list[float]] = {start.name: [] for start in STARTS}
    with tempfile.TemporaryDirectory() as data:
        for start in STARTS * (ROUNDS + 1):
            times[start.name].append(seconds(start, data))
    median = {name: statistics.median(found[1:]) for name, found in times.items()}
    for name, found in median.items():
        sys.stdout.write(f"{name:<32} {found * 1000:6.0f} ms\n")
    for start in STARTS[-2:]:
        ratio = median[start.name] / median["an empty Textual application"]
        sys.stdout.write(f"{start.name + ', ratio':<40} {ratio:.2f}×\n")


if __name__ == "__main__":
    main()
