"""Reports of cards, made by hand."""

from __future__ import annotations

from autosetup.manifest import Manifest
from flasher.card.inspect import CardReport


def made_card(card_id: str) -> CardReport:
    """A card of ours that no node has started from."""
    manifest = Manifest(
        format=1,
        generation=1,
        node="cam-0009",
        card_id=card_id,
        profile_digest="1" * 64,
        site_digest="2" * 64,
        flashed_at="2026-11-21T12:00:00Z",
        image_digest="3" * 64,
        files={},
    )
    return CardReport("cam-0009, not booted yet", manifest=manifest)
