"""The latest time at which metadata was found to be in force: never later than what it expires at.

So a clock that once ran ahead cannot lock a node out for long: metadata that is in force at a wrong
time expires after it, and what is published from then on does all the more.
"""

from __future__ import annotations

import calendar
import time
from pathlib import Path

from autosetup import forms
from autosetup.system import replace_file

_FILE = "verified-at"
_STEP_SECONDS = 3600  # the card is not written for less


def known(folder: Path) -> str | None:
    """The time that was kept, ``2026-11-21T03:39:50Z``; None where there is none."""
    try:
        text = (folder / _FILE).read_text().strip()
    except (OSError, ValueError):
        return None
    return text if forms.is_utc_time(text) else None


def raise_to(folder: Path, now: float) -> None:
    """Keep the time (seconds since 1970) at which metadata was in force, durably."""
    before = known(folder)
    if before and now - calendar.timegm(time.strptime(before, forms.UTC_TIME)) < _STEP_SECONDS:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = time.strftime(forms.UTC_TIME, time.gmtime(now))
    replace_file(folder / _FILE, f"{text}\n".encode(), 0o600)
