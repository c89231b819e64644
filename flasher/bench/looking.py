"""A look inside a card that may be one of ours: what it says itself, and what the ledger says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from flasher.bench.heard import Found
from flasher.card.advice import advise
from flasher.card.inspect import CardReport, inspect_card
from flasher.card.unfinished import Whose
from flasher.drives.lost import lost_on
from flasher.drives.model import Drive
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.rig.entry import Entry, standing
from flasher.rig.ledger import Ledger
from flasher.rig.present import present
from flasher.rig.rigmap import RigMap
from flasher.rig.sightings import record_sighting


def look_inside(drive: Drive, rig: RigMap, ledger: Ledger) -> Found:
    """What is on a card; a node that it shows to work is recorded. Damage is told, never raised."""
    try:
        with drive_blocks(drive.path, ask=False) as blocks:
            report = inspect_card(blocks)
    except (FlasherError, OSError):
        return Found()
    if not report.is_ours and report.status is None:
        return _half_made(report.unfinished, rig) if report.unfinished else Found()
    entries: Sequence[Entry] = ()
    with suppress(FlasherError):  # what the card says counts all the same
        said = None if report.is_untried else report.status
        record_sighting(ledger, said, "alive", drive=str(drive.path))
        entries = ledger.entries()
    found = judge(report, rig, entries)
    return found if found.stands else replace(found, is_shared=bool(lost_on(drive)))


def judge(report: CardReport, rig: RigMap, entries: Sequence[Entry]) -> Found:
    """What a card of ours is worth, by the ledger's lines, oldest first. Pure."""
    status = report.status
    works = status is not None and status.state == "done" and not report.is_untried
    ours = _ids_on(report)
    lines = [line for line in standing(entries) if line.card_id in ours]
    here = (rig.profile.name, rig.site.name)
    now = present(entries)
    told = [now.get(line.card_id, line) for line in lines]
    nodes = [line.node for line in told if (line.profile, line.site) == here]
    alive = nodes[-1] if nodes and works else ""
    stands = works or bool(lines) or not _is_set_aside(ours, entries)
    return Found(report, advise(report), stands, alive=alive)


def _ids_on(report: CardReport) -> set[str]:
    status, manifest = report.status, report.manifest
    told = (status.card_id if status else None, manifest.card_id if manifest else None)
    return {card_id for card_id in told if card_id}


def _is_set_aside(ours: set[str], entries: Sequence[Entry]) -> bool:
    """Whether a line tells that nobody needs it; another computer made what none tells of."""
    return any(
        line.replaces in ours or (line.card_id in ours and line.result in ("failed", "cancelled"))
        for line in entries
    )


def _half_made(whose: Whose, rig: RigMap) -> Found:
    """A card that was never ended; another rig's goes on as any node of this one."""
    is_here = (whose.profile, whose.site) == (rig.profile.name, rig.site.name)
    return Found(is_unfinished=True, becomes=whose.node if is_here else "")
