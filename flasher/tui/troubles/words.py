"""What is said of one kind of trouble, and the ways out of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """A way out that a person chooses for a lane whose card failed."""

    RETRY = "retry"
    OTHER_CARD = "other card"
    SKIP = "skip"


CARD_WAYS = (Way.RETRY, Way.OTHER_CARD, Way.SKIP)
BAD_CARD_WAYS = (Way.OTHER_CARD, Way.RETRY, Way.SKIP)
NO_RETRY_WAYS = (Way.OTHER_CARD, Way.SKIP)
SAME_FOR_ALL_WAYS = (Way.RETRY, Way.SKIP)


@dataclass(frozen=True, slots=True)
class Words:
    """One kind of trouble, in the person's language.

    Attributes:
        what, why, todo: what happened, why, what to do: one sentence each. They may name
            ``{drive}``, ``{node}`` and ``{size}`` (what the card announces).
        ways: out of it, the most promising one first; empty where none leads through the lane.
        goes_on: whether to try again is to go on: what is right on the card is kept.
    """

    what: str
    why: str
    todo: str
    ways: tuple[Way, ...] = CARD_WAYS
    goes_on: bool = False


def same_for_all(what: str, why: str, todo: str) -> Words:
    """Trouble that every card would end in: another one is no way out."""
    return Words(what, why, todo, SAME_FOR_ALL_WAYS)


def only_told(what: str, why: str, todo: str) -> Words:
    """Trouble that no lane ends in: there is no way to choose."""
    return Words(what, why, todo, ())
