"""What `builder.sources.unpack` says while it works, heard by who started it."""

from __future__ import annotations

import json
import re

from builder.sources import unpack
from flasher.errors import BadInput
from flasher.events import Progress

_STATUS = re.compile(r"pmstatus:unpack:(\d+):")


class Overheard:
    """Passes on how far it is, and keeps why it stopped.

    Args:
        progress: of 100.

    Attributes:
        fault: of what was to be unpacked; None while there is none.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.fault: BadInput | None = None

    def hear(self, line: str) -> None:
        """Take in a line."""
        if found := _STATUS.match(line):
            self._progress.reach(int(found[1]))
        elif line.startswith(unpack.FAULT):
            self.fault = BadInput(*json.loads(line.removeprefix(unpack.FAULT)))
