"""Numbers that grow over every restart, without a clock: starts << 32 | a count.

Who hears them refuses what does not grow, so that nothing that was overheard can be said again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autosetup.system import replace_file

_BITS = 32
_MOST = 1 << _BITS
# JSON's numbers are exact below 2⁵³.
_MOST_STARTS = 1 << (53 - _BITS)


@dataclass(slots=True)
class Sequence:
    """Numbers of one process; each is larger than all before."""

    starts: int
    last: int = -1

    def next(self) -> int:
        """The next number.

        The count is the time in seconds where that is ahead: it grows also where the number of
        starts could not be kept, on a card that has locked itself.
        """
        self.last = min(max(self.last + 1, int(time.time())), _MOST - 1)
        return self.starts << _BITS | self.last


def begin(folder: Path, name: str) -> Sequence:
    """Begin after all numbers of this name that were ever given; durable before it returns.

    Args:
        folder: that survives every boot; it is made for root alone.
        name: of the file with how often that was done.
    """
    path = folder / name
    starts = 0
    with suppress(OSError, ValueError):
        starts = int(path.read_text())
    starts = min(max(starts, 0) + 1, _MOST_STARTS - 1)
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, f"{starts}\n".encode())
    return Sequence(starts)
