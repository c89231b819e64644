"""What people should know of a node that works all the same: too hot, too full, a wrong clock.

Codes of the board's own:

- ``hot``: from 80 °C on a Pi slows itself down.
- ``clock``: more than a second off; pictures of several cameras no longer fit together.
- ``worn``: the card has used up most of what its maker promises.
- ``full``: little room is left to write.
- ``two-pis``: two computers report with one card's key; one of them has a copy.
- ``name-twice``: two cards call themselves by one name; so it is for a moment while nodes swap.
- ``old-card``: a card that was replaced is still at work somewhere.
"""

from __future__ import annotations

from datetime import timedelta

from autosetup.report import Report

# The soft limit of the processor's own guard, see "Frequency management and thermal control" in
# Raspberry Pi's documentation.
HOT_CELSIUS = 80
CLOCK_OFF = timedelta(seconds=1)
WORN_PERCENT = 80
FULL_BYTES = 200 * 10**6


def warnings_of(report: Report, clock_offset: timedelta | None) -> tuple[str, ...]:
    """Codes of what is wrong, the node's own ones last. Pure.

    Args:
        clock_offset: our time minus the node's; None where the node knows no time.
    """
    found = []
    if report.temperature_c is not None and report.temperature_c >= HOT_CELSIUS:
        found.append("hot")
    if clock_offset is not None and abs(clock_offset) > CLOCK_OFF:
        found.append("clock")
    if report.card_wear_percent is not None and report.card_wear_percent >= WORN_PERCENT:
        found.append("worn")
    if report.free_bytes is not None and report.free_bytes < FULL_BYTES:
        found.append("full")
    return (*found, *report.warnings)
