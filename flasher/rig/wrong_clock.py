"""This computer's clock, compared with what must lie before it: its times go onto cards.

Nodes without a server of time believe them, see docs/updates.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flasher
from flasher.events import Emit, Noted
from flasher.rig.entry import Entry, nanoseconds_of

# Laptops that share a ledger need not agree to the minute.
_SLACK = timedelta(hours=1)
# Two releases in one second get generations one after the other.
_MOST_AHEAD = timedelta(days=1)
_SET_IT = "Set the clock before you go on: timedatectl set-ntp true"


def tell_wrong_clock(entries: Iterable[Entry], emit: Emit, generation: int = 0) -> None:
    """Warn where this computer's clock cannot be right; the arguments are `clock_complaint`'s."""
    if complaint := clock_complaint(datetime.now(UTC), made_at(), entries, generation):
        emit(Noted("clock", complaint, warning=True))


def made_at() -> datetime:
    """When this program came to be: nothing is made with it before."""
    return datetime.fromtimestamp(Path(flasher.__file__).stat().st_mtime, UTC)


def clock_complaint(
    now: datetime, made: datetime, entries: Iterable[Entry], generation: int = 0
) -> str:
    """What is wrong with a clock, and what to do, in one line; empty where nothing is. Pure.

    Args:
        now: UTC, what it shows.
        made: see `made_at`.
        entries: of the ledger.
        generation: the last one that was released; 0 for none.
    """
    entries = list(entries)
    shows = f"This computer's clock shows {now:%Y-%m-%d %H:%M} UTC"
    if now < made - _SLACK:
        return f"{shows}, but this program was made on {made:%Y-%m-%d}. {_SET_IT}"
    last = _moment(max((nanoseconds_of(line.written_at) for line in entries), default=0) // 10**9)
    planned = _moment(max([generation, *(line.generation for line in entries)]))
    if last <= now + _SLACK and planned <= now + _MOST_AHEAD:
        return ""
    return (
        f"{shows}, but the last card or release was made on {max(last, planned):%Y-%m-%d}: it is "
        f"behind now, or was ahead then. {_SET_IT}. If it is right already, go on: nodes that were "
        "put ahead take the next release, and their clocks go back."
    )


def _moment(generation: int) -> datetime:
    """When a generation was planned, as its number says; the end of time for what is no second."""
    try:
        return datetime.fromtimestamp(generation, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
