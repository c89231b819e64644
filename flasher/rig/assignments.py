"""Which card is which node now, by the ledger: as it was made, and as it was released since.

A card keeps its id and its keys for as long as it lives; what it is may change by a release. A
newer card of a node takes the older one's place: nothing is released for that one any more, and
what it reports is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flasher.errors import BadInput
from flasher.rig.entry import Entry
from flasher.rig.present import present


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a card is, and the keys by which its node is known.

    Attributes:
        generation: the last one that was written to it or released for it.
        sealing_key, report_key: public, in base64; empty for cards that were made without.
    """

    card_id: str
    node: str
    role: str
    position: str
    profile: str
    site: str
    generation: int
    sealing_key: str
    report_key: str

    @property
    def has_keys(self) -> bool:
        """Whether anything can be released for it."""
        return bool(self.sealing_key and self.report_key)


def assignments(entries: Iterable[Entry], site: str) -> dict[str, Assignment]:
    """The cards of a site that count, by their ids, in the order in which they came to be. Pure.

    Args:
        entries: of the ledger, oldest first.
    """
    return {card_id: _of(line) for card_id, line in current(entries, site).items()}


def current(entries: Iterable[Entry], site: str) -> dict[str, Entry]:
    """The line that tells what each of those cards is now, by card id. Pure; as `assignments`."""
    return {card_id: line for card_id, line in present(entries).items() if line.site == site}


def swapped(cards: Mapping[str, Assignment], first: str, second: str) -> dict[str, Assignment]:
    """The same cards, with two nodes in each other's place. Pure.

    Args:
        first, second: names of the nodes.

    Raises:
        BadInput: ``no-such-card``, one of them has no card with keys; ``not-alike``, they are of
            two kinds of rig; ``same-node``.
    """
    one, other = (_card_of(cards, name) for name in (first, second))
    if one.card_id == other.card_id:
        raise BadInput("same-node", f"{first} is named twice.", "Name two nodes.")
    if one.profile != other.profile:
        what = f"{first} is a node of {one.profile}, and {second} of {other.profile}."
        raise BadInput("not-alike", what, "Only nodes of one scanner can take each other's place.")
    return {
        **cards,
        one.card_id: _placed(one, other),
        other.card_id: _placed(other, one),
    }


def _placed(card: Assignment, at: Assignment) -> Assignment:
    return replace(card, node=at.node, role=at.role, position=at.position)


def _card_of(cards: Mapping[str, Assignment], node: str) -> Assignment:
    card = next((card for card in cards.values() if card.node == node), None)
    if card is None or not card.has_keys:
        lacks = "has no card" if card is None else "has a card without keys of its own"
        what = f"{node} {lacks}, so nothing can be released for it."
        raise BadInput("no-such-card", what, "Prepare its card: flasher prepare.")
    return card


def _of(line: Entry) -> Assignment:
    return Assignment(
        card_id=line.card_id,
        node=line.node,
        role=line.role,
        position=line.position,
        profile=line.profile,
        site=line.site,
        generation=line.generation,
        sealing_key=line.sealing_key,
        report_key=line.report_key,
    )
