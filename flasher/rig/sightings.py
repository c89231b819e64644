"""What became of a card after it was made: it was rehearsed, or what its node said of itself.

Each is a line of the ledger more, about the same card; how it was written is told by its first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from autosetup.status import Status
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger

Sight = Literal["rehearsed", "alive", "unwell", "rolled-back", "missing", "copied"]
# A node that lives proves more than one that was emulated.
_SAYS_IT: dict[Sight, tuple[str, ...]] = {"rehearsed": ("rehearsed", "alive")}
# Written to the card, or released for it: what was seen before is of the past.
_MADE = ("verified", "released")
# Of these the last one counts: a node that is back, or well again, is told once more.
LIVES: tuple[Sight, ...] = ("alive", "unwell", "missing")


def sighting(
    lines: Iterable[Entry],
    card_id: str,
    generation: int,
    sight: Sight,
    now: datetime,
    *,
    drive: str = "",
    seconds: float = 0.0,
    reason: str = "",
) -> Entry | None:
    """The line to add; None where the card is unknown, or its lines say as much already. Pure.

    Args:
        lines: of the ledger, oldest first.
        card_id, generation: as in the card's manifest.
        now: UTC.
        drive: where the card was.
        seconds: that it took.
        reason: one sentence, where nothing was to be hoped for.
    """
    known, told = _told(lines, card_id, generation)
    if known is None or told.intersection(_SAYS_IT.get(sight, (sight,))):
        return None
    when = now.isoformat(timespec="seconds")
    return replace(
        without_its_writing(known),
        written_at=when,
        finished_at=when,
        result=sight,
        drive=drive,
        seconds=round(seconds, 3),
        reason=reason,
    )


def _told(lines: Iterable[Entry], card_id: str, generation: int) -> tuple[Entry | None, set[str]]:
    """The line that tells how a card was made, and all that was told of it since."""
    known: Entry | None = None
    told: set[str] = set()
    for line in lines:
        if not card_id or (line.card_id, line.generation) != (card_id, generation):
            continue
        if line.result in _MADE:
            known, told = line, set()
        if line.result in LIVES:
            told.difference_update(LIVES)
        told.add(line.result)
    return known, told


def record_sighting(
    ledger: Ledger, status: Status | None, sight: Sight, *, drive: str = "", seconds: float = 0.0
) -> Entry | None:
    """Add the line of `sighting`, if there is one to add, and give it back.

    Args:
        status: what the node said; only one that is done was seen to work.

    Raises:
        FlasherError: ``ledger-unusable``, ``ledger-newer``.
    """
    if status is None or status.state != "done" or status.generation is None:
        return None
    card, now = status.card_id or "", datetime.now(UTC)
    line = sighting(
        ledger.entries(), card, status.generation, sight, now, drive=drive, seconds=seconds
    )
    return ledger.record(line) if line else None


def without_its_writing(line: Entry) -> Entry:
    """What a line tells of a card itself, for another line about the same card."""
    return replace(
        line,
        entry_id="",
        reason="",
        serial="",
        drive_model="",
        reader_port="",
        cid="",
        replaces="",
        ranges="",
        bytes_written=0,
        bytes_kept=0,
        bytes_verified=0,
        write_speed=0.0,
        read_speed=0.0,
    )
