"""The process that is a card: ``python -m tests.faults.card_process JSON``.

It says where the card is, then answers requests from its standard input, a line of JSON each. The
card goes with the process, however that ends: mount and loop device are its own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.disk import Fault, FaultyDisk
from tests.faults.fuse import OneFile
from tests.faults.loop_device import LoopDevice

_LONGEST_STALL = 100.0  # seconds


class Card:
    """A faulty disk as a block device."""

    def __init__(self, backing: Path, faults: Iterable[Fault], *, volatile: bool) -> None:
        self._disk = FaultyDisk(backing, faults, volatile=volatile)
        self._file = OneFile(self._disk, backing)
        self._place = backing
        threading.Thread(target=self._file.serve, daemon=True).start()
        with backing.open("r+b", buffering=0) as opened:
            self.loop = LoopDevice(opened.fileno(), backing.name)
        self._file.close_last()
        self._size = self._disk.size
        threading.Thread(target=self._follow_size, daemon=True).start()
        threading.Thread(target=self._end_long_stalls, daemon=True).start()

    def _follow_size(self) -> None:
        """Tell the kernel of another size; only then do requests fail for it."""
        size = self._size
        while True:
            with self._file.changed:
                while self._disk.size == size:
                    self._file.changed.wait()
                size = self._disk.size
            self._tell_size()
            self._file.release()

    def _tell_size(self) -> None:
        self._place.stat()  # has the kernel ask the file for its size
        self.loop.resize()

    def _end_long_stalls(self) -> None:
        """Go, rather than keep a program for ever that was killed while it waits for us."""
        while True:
            with self._file.changed:
                self._file.changed.wait_for(lambda: self._file.held)
                if not self._file.changed.wait_for(lambda: not self._file.held, _LONGEST_STALL):
                    os._exit(1)

    # --- what may be asked ---------------------------------------------------------------------

    def spoil(self, faults: list[dict[str, Any]]) -> None:
        """Have other things go wrong; what waits is answered by them."""
        with self._file.changed:
            self._disk.spoil(Fault(**fault) for fault in faults)
            self._disk.dead = False
            self._disk.size = self._size
            self._file.changed.notify_all()
        self._tell_size()
        self._file.release()

    def cut(self) -> None:
        """Cut its power: what was not flushed is lost, and all that waits fails."""
        with self._file.changed:
            self._disk.forget()
            self._disk.dead = True
            self._file.release()

    def wait(self, state: str, amount: int, seconds: float) -> bool:
        """Wait until so much is ``held``, ``written``, ``read`` or ``hits``."""
        with self._file.changed:
            return self._file.changed.wait_for(lambda: self._amount(state) >= amount, seconds)

    def _amount(self, state: str) -> int:
        return int(self._file.held if state == "held" else getattr(self._disk.moved, state))

    def moved(self) -> dict[str, Any]:
        """What was asked of it so far."""
        with self._file.changed:
            return asdict(self._disk.moved)


def main() -> None:
    """Be a card until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever holds us
    asked = json.loads(sys.argv[1])
    faults = [Fault(**fault) for fault in asked["faults"]]
    card = Card(Path(asked["backing"]), faults, volatile=asked["volatile"])
    print(json.dumps(str(card.loop.path)), flush=True)  # noqa: T201
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(getattr(card, name)(*arguments)), flush=True)  # noqa: T201
    os._exit(0)


if __name__ == "__main__":
    main()
