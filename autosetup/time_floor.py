"""What time it is at least: most boards forget it when they are switched off.

A clock that a server of time keeps is right, and nothing here moves it. Any other one must not
stand before times that are known to be over. Whoever wrote those may have had a wrong clock,
though: what a release that came later contradicts, see `contradicted`, counts no more.
"""

from __future__ import annotations

import ctypes
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autosetup import forms
from autosetup.system import System, replace_file

# In the agent's own folder; what the updater knows lies there.
FOLDER = "update"
_FILE = "verified-at"
_STEP_SECONDS = 3600  # the card is not written for less
_DAY = 86_400
# Of the timestamp that comes with a release.
TIMESTAMP_DAYS = 30
_LASTS = TIMESTAMP_DAYS * _DAY
# adjtimex(2): a clock that may be wrong by so many microseconds is kept by nobody.
_MOST_ERROR = 16_000_000
# Of struct timex, in words: its error is the fourth; it has less than 64 of them.
_WORDS, _ERROR_AT = 64, 3


@dataclass(frozen=True, slots=True)
class TimeFloor:
    """What a node knows of the time, in seconds since 1970.

    Attributes:
        at: the latest time at which metadata was found to be in force; 0 for none.
        ahead: times from here on were told by a clock that ran ahead; None where none did.
    """

    at: int = 0
    ahead: int | None = None

    def now(self, clock: float, *past: str | None) -> float:
        """What time it is, as well as can be told without a server of time.

        Args:
            clock: what the node's own shows.
            past: UTC times, ``2026-11-21T03:39:50Z``, that are over; None counts for nothing.
        """
        times = [float(self.at), *(forms.seconds_of(text) for text in past if text), clock]
        here = self.reached(clock)
        return max((moment for moment in times if not here.is_ahead(moment)), default=clock)

    def reached(self, clock: float) -> TimeFloor:
        """The same, once the time has come that a clock had told too early.

        It has come by what is known to be over, and by a clock that goes on from that: one that is
        within a day of it.
        """
        if self.ahead is None:
            return self
        known = max(self.at, int(clock)) if clock < self.at + _DAY else self.at
        return TimeFloor(known) if known >= self.ahead else self

    def contradicted(self, at: int, ends: float, *past: str | None) -> TimeFloor | None:
        """What is known after a release that came later than these times; None if they may be.

        A release ends after all that was before it. Where it does not, a clock ran ahead before.

        Args:
            at: when the release says that it was made.
            ends: when the metadata ends that names it. A thief of the key that is at hand all the
                time could have it end early, so it counts no less than a release lasts.
            past: as of `now`.
        """
        told, ends = [self.at, *map(forms.seconds_of, filter(None, past))], max(ends, at + _LASTS)
        wrong = [moment for moment in told if moment > ends and not self.is_ahead(moment)]
        return TimeFloor(min(at, int(ends)), min(wrong)) if wrong else None

    def is_ahead(self, moment: float) -> bool:
        """Whether a time was told by a clock that ran ahead."""
        return self.ahead is not None and moment >= self.ahead


def floor_of_server(clock: float, *past: str | None) -> TimeFloor:
    """What is known where a server of time keeps the clock: what is far beyond it ran ahead."""
    wrong = [s for s in map(forms.seconds_of, filter(None, past)) if s > clock + _DAY]
    return TimeFloor(int(clock), min(wrong, default=None))


def read_floor(folder: Path) -> TimeFloor:
    """What was kept in a folder; nothing where that is missing or spoiled."""
    with suppress(OSError, ValueError):
        at, *ahead = (folder / _FILE).read_text().split()
        return TimeFloor(forms.seconds_of(at), forms.seconds_of(ahead[0]) if ahead else None)
    return TimeFloor()


def keep_floor(folder: Path, floor: TimeFloor) -> None:
    """Keep it durably, unless it differs by less than an hour."""
    before = read_floor(folder)
    if floor.ahead == before.ahead and abs(floor.at - before.at) < _STEP_SECONDS:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = [floor.at] if floor.ahead is None else [floor.at, floor.ahead]
    text = "".join(f"{forms.utc_text(moment)}\n" for moment in known)
    replace_file(folder / _FILE, text.encode(), 0o600)


def is_synchronised() -> bool:
    """Whether timesyncd, chrony or their like keep this computer's clock, as the kernel knows."""
    words = (ctypes.c_long * _WORDS)()
    return ctypes.CDLL(None).adjtimex(words) >= 0 and words[_ERROR_AT] < _MOST_ERROR


def mend_clock(system: System, folder: Path, *past: str | None) -> bool:
    """Set the running system's clock by what is known to be past, unless a server of time keeps it.

    Certificates and packages that are "not valid yet" are then valid, long before any such server
    answers.

    Args:
        system: the node.
        folder: see `read_floor`.
        past: as of `TimeFloor.now`.

    Returns:
        whether the clock was set.
    """
    if not system.booted or is_synchronised():
        return False
    clock = time.time()
    now = read_floor(folder).now(clock, *past)
    if now == clock:
        return False
    with suppress(OSError, OverflowError):  # a year that the kernel does not know
        time.clock_settime(time.CLOCK_REALTIME, now)
        return True
    return False
