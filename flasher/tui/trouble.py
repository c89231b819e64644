"""What went wrong, in three short sentences for whoever stands at the bench, and the ways out.

The engine's own message and hint are the details; they are shown where a code has no words here.
"""

from __future__ import annotations

from dataclasses import dataclass

from flasher.bench.model import Lane
from flasher.errors import Cancelled, FlasherError
from flasher.progress import readable_size
from flasher.tui.troubles.boots import BOOTS
from flasher.tui.troubles.cards import CARDS
from flasher.tui.troubles.computer import COMPUTER
from flasher.tui.troubles.images import IMAGES
from flasher.tui.troubles.words import CARD_WAYS, Way, Words
from flasher.tui.words import _

__all__ = ["TROUBLES", "Explained", "Way", "explain", "in_words", "ways"]

TROUBLES: dict[str, Words] = {**CARDS, **IMAGES, **COMPUTER, **BOOTS}
_TOO_GENERAL = ("system-error", "internal")


@dataclass(frozen=True, slots=True)
class Explained:
    """One trouble of one lane, in the person's language.

    Attributes:
        what, why, todo: what happened, why, what to do; one sentence each. `why` is empty where
            only the engine's own words are known.
        ways: out of it, the most promising one first.
        goes_on: whether to try again is to go on where it stopped.
    """

    what: str
    why: str
    todo: str
    ways: tuple[Way, ...]
    goes_on: bool


def explain(error: FlasherError, lane: Lane = Lane("")) -> Explained:  # noqa: B008  (a value)
    """Say what an error means for the lane that it ended. Pure."""
    words = _words(error)
    if words is None:
        return Explained(error.message, "", error.hint, CARD_WAYS, goes_on=False)
    names = {
        "drive": str(lane.drive.path) if lane.drive else lane.reader or _("the reader"),
        "node": lane.node.name if lane.node else _("the node"),
        "size": readable_size(lane.drive.size) if lane.drive else _("the size"),
    }
    what, why, todo = (text.format(**names) for text in (words.what, words.why, words.todo))
    return Explained(what, why, todo, words.ways, words.goes_on)


def in_words(error: FlasherError) -> str:
    """An error in one paragraph; the engine's own words where it has none here. Pure.

    Also where only those tell what the system complained of, and of which file.
    """
    if error.code in _TOO_GENERAL:
        return f"{error.message} {error.hint}"
    told = explain(error)
    return " ".join(filter(None, (told.what, told.why, told.todo)))


def ways(error: FlasherError) -> tuple[Way, ...]:
    """The ways out of an error, the most promising one first."""
    words = _words(error)
    return words.ways if words else CARD_WAYS


def _words(error: FlasherError) -> Words | None:
    return TROUBLES.get("cancelled" if isinstance(error, Cancelled) else error.code)
