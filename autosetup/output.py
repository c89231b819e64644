"""What a program prints: its end is kept, so that one that prints for ever fills no memory."""

from __future__ import annotations

import os
import threading

_MOST = 4 << 20
_PIECE = 1 << 16
# What a program left running may hold the pipe open; what was printed before is read by then.
_GRACE_SECONDS = 1.0


class Output(threading.Thread):
    """The end of what goes into `sink`, which whoever starts the program closes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._source, self.sink = os.pipe()
        self._kept = bytearray()
        self._is_whole = True

    def run(self) -> None:
        """Read to the end; for `start`."""
        with os.fdopen(self._source, "rb", buffering=0) as source:
            while piece := source.read(_PIECE):
                self._kept += piece
                if len(self._kept) > 2 * _MOST:
                    del self._kept[:-_MOST]
                    self._is_whole = False

    def text(self) -> str:
        """All of it, or from a line on that begins somewhere in its last megabytes."""
        self.join(_GRACE_SECONDS)
        kept = bytes(self._kept)
        if not self._is_whole:
            kept = b"[...]\n" + kept[kept.find(b"\n") + 1 :]
        return kept.decode(errors="replace")
