"""What a boot means: pure rules over the journal's record and the manifest on the card."""

from __future__ import annotations

from typing import Literal

from autosetup.journal import Record
from autosetup.settings import Manifest

Action = Literal["wait", "nothing", "apply", "resume", "conflict", "ignore"]


def decide(record: Record | None, manifest: Manifest | None, digest: str) -> Action:
    """What to do.

    Args:
        record: of the latest payload that was accepted; None on a new node.
        manifest: of the payload on the card; None where there is none.
        digest: SHA-256 (hex) of that manifest's bytes.
    """
    if record is None:
        return "apply" if manifest else "wait"
    accepted = record.status.generation or 0
    unfinished: Action = "resume" if record.status.state == "applying" else "nothing"
    if manifest is None:
        return unfinished
    if manifest.generation > accepted:
        return "apply"
    if manifest.generation < accepted:
        return "resume" if unfinished == "resume" else "ignore"
    if digest != record.digest:
        return "conflict"
    return "apply" if record.status.state == "failed" else unfinished
