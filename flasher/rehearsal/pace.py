"""How far a rehearsal is: by the clock until the node speaks, and then by its own steps."""

from __future__ import annotations

from autosetup.status import Status

# What a boot with a payload takes on two cores, and how much of that until its agent is at work;
# only the progress bar is drawn by them.
EXPECTED_SECONDS = 150
_UNTIL_AT_WORK = 60


def reached(seconds: float, status: Status | None) -> int:
    """How much of `EXPECTED_SECONDS` is done; it may fall back where the node begins anew. Pure.

    Args:
        seconds: since it was switched on.
        status: what the node said last; None while it has said nothing.
    """
    if status is None or status.state != "applying" or not status.step_count:
        return min(int(seconds), _UNTIL_AT_WORK)
    steps = EXPECTED_SECONDS - _UNTIL_AT_WORK
    return _UNTIL_AT_WORK + steps * max(status.step_number - 1, 0) // status.step_count
