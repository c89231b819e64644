"""What a boot means: pure rules over the journal's record and the manifest that is offered."""

from __future__ import annotations

from typing import Literal

from autosetup.record import Record
from autosetup.settings import Manifest

Action = Literal["wait", "nothing", "apply", "resume", "conflict", "ignore"]


def decide(record: Record | None, manifest: Manifest | None, digest: str) -> Action:
    """What to do.

    Args:
        record: of the latest payload that was accepted; None on a new node.
        manifest: of the payload that is offered; None where there is none.
        digest: SHA-256 (hex) of that manifest's bytes.
    """
    if record is None:
        return "apply" if manifest else "wait"
    failed = record.status.state == "failed"
    unfinished: Action = "resume" if failed or is_unfinished(record) else "nothing"
    if manifest is None:
        return unfinished
    newest, newest_digest = record.newest
    if manifest.generation > newest:
        return "apply"
    if manifest.generation < newest:
        in_force = (manifest.generation, digest) == (record.generation, record.digest)
        return unfinished if in_force or unfinished == "resume" else "ignore"
    if digest != newest_digest:
        return "conflict"
    # What is on the card may have been mended since it failed; else the node has its own copy.
    return "apply" if failed and not record.fallen else unfinished


def is_unfinished(record: Record) -> bool:
    """Whether a run was cut short, or a return to the last good generation failed."""
    state = record.status.state
    return state == "applying" or (state == "failed" and record.fallen is not None)
