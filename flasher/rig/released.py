"""What is released for a card: a payload of a newer generation, which travels to its node.

It is composed as the one that a card is written with, but brings no keys: the node keeps those of
its card.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from flasher.rig.assignments import Assignment, current
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import NONCE_BYTES, CardIdentity, compose
from flasher.rig.rigmap import Node, RigMap
from flasher.rig.sightings import without_its_writing
from flasher.rig.tiers import entrance


def release_payload(
    rig: RigMap,
    node: Node,
    card: Assignment,
    generation: int,
    now: datetime,
    image_digest: str,
) -> dict[str, bytes]:
    """Every file of the payload that makes a card this node, signed by the site.

    Args:
        node: which may be another one than the card was until now.
        generation: higher than the card's.
        now: UTC.
        image_digest: of the image on the card.

    Raises:
        BadDocument: no node would accept it.
    """
    nonce = randomness.token_bytes(NONCE_BYTES)
    return compose(rig, node, CardIdentity(generation, card.card_id, nonce, now, ""), image_digest)


def record_release(
    ledger: Ledger, rig: RigMap, cards: Iterable[Assignment], now: datetime | None = None
) -> tuple[Entry, ...]:
    """Add a line for each card of a release that was published; all of them, or none.

    Args:
        cards: as they are by this release; those that the ledger does not know are left out.
        now: UTC.

    Raises:
        FlasherError: ``ledger-unusable``, ``ledger-newer``.
    """
    when = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    known = current(ledger.entries(), rig.site.name)
    return ledger.record_all(
        replace(
            without_its_writing(known[card.card_id]),
            written_at=when,
            finished_at=when,
            result="released",
            node=card.node,
            role=card.role,
            position=card.position,
            generation=card.generation,
            address=rig.hosts.get(card.node, ""),
            user=rig.site.user.name,
            reached_from=entrance(rig, card.role),
            payload_digest="",
        )
        for card in cards
        if card.card_id in known
    )
