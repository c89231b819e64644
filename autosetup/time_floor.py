"""A clock that never stands before what is known to be past: most boards forget the time."""

from __future__ import annotations

import calendar
import time

from autosetup import forms
from autosetup.system import System


def seconds_behind(now: float, *past: str | None) -> float:
    """By how much a clock is behind the latest of some times; 0 where it is not.

    Args:
        now: what the clock shows, in seconds since 1970.
        past: UTC times, ``2026-11-21T03:39:50Z``, that are over; None counts for nothing.
    """
    seconds = [calendar.timegm(time.strptime(text, forms.UTC_TIME)) for text in past if text]
    return max([0.0, *(moment - now for moment in seconds)])


def raise_clock(system: System, *past: str | None) -> bool:
    """Set the running system's clock to the latest of some past times if it is behind them all.

    Certificates and packages that are "not valid yet" are then valid, long before any server of
    time answers. Returns whether the clock was set.
    """
    now = time.time()
    behind = seconds_behind(now, *past)
    if not system.booted or not behind:
        return False
    time.clock_settime(time.CLOCK_REALTIME, now + behind)
    return True
