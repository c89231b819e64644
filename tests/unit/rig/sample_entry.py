"""A line of the ledger, of a card that was made well."""

from __future__ import annotations

from datetime import UTC, datetime

from flasher.rig.entry import Entry

ENTRY = Entry(
    written_at="2026-05-04T03:02:01+00:00",
    profile="body",
    site="studio",
    node="cam-0101",
    position="SEG1-CAM1",
    generation=1,
    card_id="c" * 32,
    drive="/dev/sdx",
    serial="S1",
    image_digest="0" * 64,
    bytes_written=10,
    seconds=1.5,
    result="verified",
    reason="",
)
# Some hours after it was made.
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
