"""One look at a machine that runs: what its console and its card say."""

from __future__ import annotations

from collections.abc import Callable

from flasher.rehearsal.card_files import CardFiles
from flasher.rehearsal.emulator import Emulator
from flasher.rehearsal.watch import View


def glance(
    running: Emulator, files: CardFiles, seconds: float, hear: Callable[[str], None]
) -> View:
    """What there is to be seen now.

    Args:
        seconds: since the machine was switched on.
        hear: told each new line of the console.
    """
    # In this order: what a machine wrote and printed before it ended is there to be seen.
    runs = not running.ended
    wrote = files.refresh()
    lines = running.new_lines()
    for line in lines:
        hear(line)
    seen = [*lines, running.prompt] if running.prompt else lines
    return View(seconds, seen, files.raw, wrote, runs)
