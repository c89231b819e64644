"""What is wrong with a card that is a file. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A card is honest and well unless it is said otherwise.

    Attributes:
        keeps: bytes of memory; what is written beyond lands in it again, from its beginning.
            None: all that it announces.
        fails_after: bytes that it still takes; every later write fails. None: it never does.
        spoils_after: bytes that it still keeps as they are; later ones it changes silently.
        writes_at: bytes a second at most; None: as fast as its reader.
        locked: its write protection is on.
        refusal: why it is never written, one phrase; empty for a card.
    """

    keeps: int | None = None
    fails_after: int | None = None
    spoils_after: int | None = None
    writes_at: float | None = None
    locked: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a reader is, bytes a second."""

    write: float
    read: float


WELL = Condition()
BROKEN = Condition(fails_after=0)
FORGETFUL = Condition(spoils_after=0)
# Between what cards are warned of and what they are refused for (`flasher.card.probing.probe`).
CRAWLING = Condition(writes_at=3e6)
# What a good card and its reader do; and for an image that is written in a moment.
CARD_PACE = Pace(write=40e6, read=90e6)
SMALL_IMAGE_PACE = Pace(write=12e6, read=36e6)
