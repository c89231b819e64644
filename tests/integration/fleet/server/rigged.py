"""Cards of a rig, and what their nodes say to a server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from autosetup.post import Post
from autosetup.report import Report, write_envelope
from flasher.recording import NO_NODE, node_line
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity
from flasher.rig.rigmap import RigMap


def card_of(rig: RigMap, name: str) -> CardIdentity:
    """A new card for a node, as if it had been written just now."""
    node, identity = rig.find(name), CardIdentity.fresh(datetime.now(UTC))
    line = node_line(NO_NODE, rig, node, identity, "1" * 64)
    Ledger().record(replace(line, result="verified", written_at=datetime.now(UTC).isoformat()))
    return identity


def word_of(identity: CardIdentity, name: str, sequence: int = 1) -> bytes:
    report = Report(identity.card_id, name, sequence, "done", generation=identity.generation)
    return write_envelope(report, identity.report_key)


async def posted(url: str, authority: str, raw: bytes) -> int:
    """What a node's own connection is answered."""
    post = Post(url, authority)
    try:
        return (await asyncio.to_thread(post.send, "reports", raw))[0]
    finally:
        post.close()
