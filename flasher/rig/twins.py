"""What speaks against a new card before it is written: another card of the same node exists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from flasher.rig.entry import Entry
from flasher.rig.present import present

_REVOKED = "The older card gets no updates from then on, and what its node reports is refused."
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def before_overwriting(
    entries: Sequence[Entry], node: str, site: str, now: datetime, replaced: str
) -> tuple[str, ...]:
    """What to say before a card is made for a node: about the drive's card, and the node's. Pure.

    Args:
        replaced: id of the card in the drive, see `card_id_on`; empty where that is none of ours.
    """
    return tuple(
        filter(
            None,
            (
                former_life(entries, replaced, now),
                twins(entries, node, site, now, replaced),
                revoked(entries, node, site, replaced),
            ),
        )
    )


def twins(entries: Iterable[Entry], node: str, site: str, now: datetime, replaced: str = "") -> str:
    """A sentence about the card that this node has already; empty where it has none. Pure.

    Args:
        entries: of the ledger, oldest first.
        node, site: names; nodes of one name at one site fight, of whatever profile they are.
        now: UTC.
        replaced: id of the card that is overwritten, which is no twin.
    """
    lines = tuple(entries)
    card = _card_of(lines, node, site, replaced)
    if card is None:
        return ""
    written = _written(lines, card.card_id)[-1]
    where = f" on {written.laptop}" if written.laptop else ""
    return (
        f"{node} was already written {ago(written, now)} to another card{where} "
        f"(generation {card.generation}). Do not use both: they would fight over the name."
    )


def revoked(entries: Iterable[Entry], node: str, site: str, replaced: str = "") -> str:
    """A sentence about the keys of the card that this node has already, as `twins`. Pure."""
    card = _card_of(entries, node, site, replaced)
    return _REVOKED if card and card.sealing_key else ""


def farewell(entries: Iterable[Entry], node: str, site: str, replaced: str = "") -> str:
    """What to say of the older card once the new one is made, as `revoked`. Pure.

    Args:
        entries: as they were before.
    """
    card = _card_of(entries, node, site, replaced)
    if card is None or not card.sealing_key:
        return ""
    return (
        f"The older card of {node} ({card.card_id}) counts no more: what it says is refused, and "
        "its letter goes with the next release. Take it out of the rig."
    )


def _card_of(entries: Iterable[Entry], node: str, site: str, replaced: str) -> Entry | None:
    """The card that a node has; None where it has none but the one that is overwritten."""
    same = [card for card in present(entries).values() if (card.node, card.site) == (node, site)]
    return same[-1] if same and same[-1].card_id != replaced else None


def former_life(entries: Iterable[Entry], card_id: str, now: datetime) -> str:
    """A sentence about the card that would be overwritten; empty where it is in no line. Pure."""
    lines = tuple(entries)
    written = _written(lines, card_id) if card_id else []
    if not written:
        return ""
    card = present(lines).get(card_id, written[-1])
    return f"It is the card of {card.node} at {card.site}, verified {ago(written[-1], now)}."


def _written(entries: Iterable[Entry], card_id: str) -> list[Entry]:
    """The lines that tell when a card was written, or mended."""
    return [e for e in entries if (e.card_id, e.result) == (card_id, "verified")]


def ago(card: Entry, now: datetime) -> str:
    """How long it has been since a card was finished, as people say it."""
    try:
        when = datetime.fromisoformat(card.finished_at or card.written_at)
    except ValueError:
        return "some time ago"
    seconds = (now - when).total_seconds()
    if seconds < 0:  # another laptop's clock
        return f"at {when:%Y-%m-%d %H:%M} UTC"
    for size, name in _UNITS:
        if count := int(seconds // size):
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
