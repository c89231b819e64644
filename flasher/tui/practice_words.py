"""The cards of the practice box in words, and what each of them teaches."""

from __future__ import annotations

from flasher.practice.bench import PracticeCard
from flasher.practice.condition import BROKEN, CRAWLING, FORGETFUL, WELL, Condition
from flasher.tui.engine_words import translated
from flasher.tui.words import _

# By kind: what the card is, and what to try with it.
_KINDS = {
    "new": (_("a new card"), _("Start it with Enter, or have it start by itself: auto.")),
    "photos": (
        _("a camera's card"),
        _("Somebody's pictures. You are asked before they are lost; see which ones are named."),
    ),
    "linux": (
        _("the card of a 3D printer"),
        _("Somebody's system. You are asked before it is lost."),
    ),
    "own": (_("an old card of ours"), _("It may be made anew: it starts without a question.")),
    "failed": (
        _("a card that failed in the rig"),
        _("What its node said opens by itself. Give it a new payload, or the same once more."),
    ),
    "counterfeit": (
        _("a card that says 64 GB"),
        _("It has 8 GB. The test before the writing finds out."),
    ),
    "worn": (_("a worn-out card"), _("It fails while it is written.")),
    "forgetful": (
        _("a forgetful card"),
        _("It keeps other bytes than were written. Only reading back finds out."),
    ),
    "slow": (_("a slow card"), _("It is made all the same, with a warning.")),
    "locked": (_("a locked card"), _("The slider on its side is on LOCK.")),
    "small": (_("a card of 64 MB"), _("It is too small.")),
    "disk": (_("a disk of this computer"), _("It is never written, whatever you do.")),
}
_WORDS = {
    BROKEN: _("broken"),
    FORGETFUL: _("spoiled"),
    CRAWLING: _("slow"),
}


def title(card: PracticeCard) -> str:
    """What the card is; of one that was made, or half made, whose it is."""
    if card.drive and card.drive.node and card.kind not in ("own", "failed"):
        return _("made: {node}").format(node=card.drive.node)
    if card.drive and card.drive.is_half_made and not card.is_held:
        return translated(card.drive.holds)
    return _KINDS[card.kind][0]


def lesson(card: PracticeCard) -> str:
    """What to try with it."""
    if card.is_held:
        return _("It is being written. Try it: pull it now, or break it.")
    return _KINDS[card.kind][1]


def affliction(condition: Condition) -> str:
    """What a person did to a card; empty for nothing."""
    return _WORDS.get(condition, "")


def toggled(card: PracticeCard, affliction: Condition) -> Condition:
    """The card's next condition: afflicted, or well again."""
    return WELL if card.condition == affliction else affliction
