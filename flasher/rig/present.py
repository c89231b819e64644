"""What each card is now: as it was made, or mended, and as it was released since."""

from __future__ import annotations

from collections.abc import Iterable

from flasher.rig.entry import Entry, not_replaced

_Place = tuple[str, str, str]


def present(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The line that tells what a card is now, by card id, in the order in which cards were made.

    Of the cards of a node the latest counts; the others are left out for ever. Pure.

    Args:
        entries: of the ledger, oldest first.
    """
    cards: dict[str, Entry] = {}
    at: dict[_Place, list[str]] = {}  # also those that are elsewhere by now
    ever: set[str] = set()
    for line in not_replaced(entries):
        if line.result not in ("verified", "released") or not (line.card_id and line.node):
            continue
        if line.result == "verified" and line.card_id not in ever:
            ever.add(line.card_id)
            for older in at.pop(_place(line), []):
                if older in cards and _place(cards[older]) == _place(line):
                    del cards[older]
        elif not _counts(line, cards.get(line.card_id)):
            continue
        cards[line.card_id] = line
        at.setdefault(_place(line), []).append(line.card_id)
    return cards


def _counts(line: Entry, before: Entry | None) -> bool:
    """Whether a later line about a card tells what it is; `before` is None for one that is revoked.

    A card that is tried again as it was written is what it was released as.
    """
    return before is not None and (line.result == "released" or before.result == "verified")


def _place(line: Entry) -> _Place:
    return line.site, line.profile, line.node
