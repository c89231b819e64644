"""How soon a key shows: a rig of 300 nodes, 8 cards being written, a terminal of 80 × 24.

    .venv/bin/python bench/keys.py FOLDER

FOLDER takes some GB: the cards are files, written by the engine itself at 5 MB/s each.
"""

from __future__ import annotations

import os
import resource
import signal
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import pexpect

KEYS, LANES, COLUMNS, ROWS = 200, 8, 20, 15
PROFILE = f"""
format = 1
name = "hall"
title = "A hall"

[[role]]
name = "camera"
title = "Camera"
columns = {COLUMNS}
rows = {ROWS}
node = "cam-{{column:02}}{{row:02}}"
position = "C{{column}}R{{row}}"
"""


def sit_down(folder: Path) -> None:
    """The wizard at a bench of `LANES` readers with a card in each; runs until it is ended."""
    from flasher.practice.bench import PracticeBench
    from flasher.practice.condition import Pace
    from flasher.tui.app import FlasherApp
    from flasher.tui.workplace import open_workplace

    workplace = open_workplace(practice=True)
    bench = PracticeBench(folder / "bench", readers=LANES, pace=Pace(5_000_000, 5_000_000))
    for reader in bench.readers:
        bench.insert(reader, bench.fresh())
    here = replace(workplace, catalog=bench, signal=bench.signal, making=bench.making, desk=bench)
    FlasherApp(lambda: here, practice=True).run()


class Terminal:
    """The wizard in a terminal, whose words are waited for."""

    def __init__(self, folder: Path) -> None:
        own = {"FLASHER_DATA": str(folder / "data"), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._child = pexpect.spawn(
            sys.executable,
            [__file__, str(folder), "--sit-down"],
            env=os.environ | own,
            dimensions=(24, 80),
            timeout=20,
        )
        self._child.delaybeforesend = None

    def see(self, words: str) -> None:
        """Wait for words."""
        self._child.expect_exact(words)

    def press(self, key: str, words: str = "") -> float:
        """Press a key; the seconds until words are drawn that were not there before."""
        self._drain()
        begun = time.perf_counter()
        self._child.send(key)
        if words:
            self.see(words)
        return time.perf_counter() - begun

    def close(self) -> None:
        """End it."""
        self._child.kill(signal.SIGKILL)
        self._child.wait()
        self._child.close()

    def _drain(self) -> None:
        """Forget what was drawn until now."""
        self._child.buffer = b""
        try:
            while True:
                self._child.read_nonblocking(65536, timeout=0)
        except pexpect.TIMEOUT:
            pass


def walk() -> list[tuple[str, str]]:
    """Keys that go over the drawing, and the name of the node that each comes to."""
    steps, column, row, right = [], 1, 1, True
    while len(steps) < KEYS:
        if 1 <= column + (1 if right else -1) <= COLUMNS:
            column += 1 if right else -1
            key = "\x1b[C" if right else "\x1b[D"
        else:
            row, right, key = row + 1, not right, "\x1b[B"
        steps.append((key, f"cam-{column:02}{row:02}"))
    return steps


def main(folder: Path) -> None:
    """Have all cards written, and walk over the drawing meanwhile."""
    profile = folder / "data/profiles/hall/profile.toml"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text(PROFILE)
    terminal = Terminal(folder)
    terminal.see("A hall")
    terminal.press("\x1b[B", "48 camera")
    terminal.press("\x1b[B", "300")
    terminal.press("\r", "demo")
    terminal.press("\r", "reader-1")
    terminal.press("a", f"{LANES} writing")
    terminal.press("\t")
    terminal.press("\x1b[A" * ROWS + "\x1b[D" * COLUMNS, "cam-0101")
    times = sorted(terminal.press(key, name) * 1000 for key, name in walk())
    terminal.close()
    most = times[int(len(times) * 0.95)]
    sys.stdout.write(
        f"{LANES} lanes, {COLUMNS * ROWS} nodes, {len(times)} keys: median "
        f"{statistics.median(times):.0f} ms, 95 % under {most:.0f} ms, longest {times[-1]:.0f} ms\n"
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(f"processor {used.ru_utime + used.ru_stime:.1f} s\n")


if __name__ == "__main__":
    if "--sit-down" in sys.argv:
        sit_down(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]))
