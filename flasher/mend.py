"""Mend a card that failed: look, plan, write, read back, record; the wrong drive is never written.

The rules for drives are those of `flasher.prepare`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from autosetup.faults import Faulty
from autosetup.payload import unpack
from flasher.card.advice import advise
from flasher.card.inspect import CardReport, inspect_card, payload_files
from flasher.card.mend import Mending, mend_card, plan_again, plan_payload
from flasher.card.plan import boot_partition
from flasher.card.target import Held, open_target
from flasher.card.trusting import check_trust
from flasher.drives.model import Drive
from flasher.drives.opening import drive_blocks
from flasher.errors import BadInput, FlasherError
from flasher.image.blocks import Blocks
from flasher.image.fat import FatVolume
from flasher.recording import NO_NODE, node_line, payload_digest
from flasher.rig.entry import pack_ranges
from flasher.rig.ledger import Entry, Ledger
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.rigmap import RigMap

_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done to a card, or would be.

    Attributes:
        node: its name.
        generation: the one that is tried next.
        is_new: whether that is a new payload.
        bytes_written: all of them read back.
        doubt: why the node may refuse it, one sentence; empty for no reason to think so.
    """

    node: str
    generation: int
    is_new: bool
    bytes_written: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Repair:
    done: Mended
    mending: Mending
    entry: Entry


def mend(
    drive: Drive,
    rig: RigMap | None,
    ledger: Ledger,
    *,
    confirm: Callable[[Mended], None],
    home: RigMap | None = None,
    dry_run: bool = False,
) -> Mended | None:
    """Let a card's payload be tried again, or with a rig give it a new one.

    Args:
        drive: as it was chosen.
        rig: what the node should be; None to try the same payload once more.
        confirm: told what will be done before it is; it raises to keep the card as it is.
        home: the rig that the card is from; tells the ledger of a card that it does not know.
        dry_run: write nothing and record nothing.

    Returns:
        None where there is nothing to mend.

    Raises:
        BadInput: ``no-payload``, ``needs-payload``, ``no-such-node``.
        Refused, FlasherError: as `open_target` and `mend_card` say.
    """
    if dry_run:
        with drive_blocks(drive.path) as blocks:
            repair = _plan(blocks, rig, ledger, drive, home)
        return repair.done if repair else None
    ledger.prepare()
    with open_target(drive) as target, drive_blocks(drive.path) as blocks:
        repair = _plan(blocks, rig, ledger, drive, home)
        if repair is None:
            return None
        confirm(repair.done)
        seconds = _write(repair, target, ledger)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    ledger.record(replace(repair.entry, seconds=seconds, finished_at=finished))
    return repair.done


def _write(repair: _Repair, target: Held, ledger: Ledger) -> float:
    """Write it and read it back; how many seconds that took. What fails has its line, too."""
    begun = time.monotonic()
    try:
        mend_card(repair.mending, target)
    except FlasherError as error:
        with suppress(FlasherError):  # what went wrong first is what must be heard
            ledger.record(replace(repair.entry, result="failed", reason=str(error)))
        raise
    return round(time.monotonic() - begun, 3)


def _plan(
    blocks: Blocks, rig: RigMap | None, ledger: Ledger, drive: Drive, home: RigMap | None
) -> _Repair | None:
    report = inspect_card(blocks)
    if report.node is None or not report.is_writable:
        what = f"{drive.path} holds no payload whose node could be told: {report.summary}."
        told = " ".join((what, *report.problems)) if report.node is None else report.problems[0]
        raise BadInput("no-payload", told, "Prepare the card anew: flasher prepare.")
    now = datetime.now(UTC)
    return (
        _plan_again(blocks, report, ledger, drive, now, home)
        if rig is None
        else _plan_new(blocks, report, rig, drive, now)
    )


def _plan_again(
    blocks: Blocks,
    report: CardReport,
    ledger: Ledger,
    drive: Drive,
    now: datetime,
    home: RigMap | None,
) -> _Repair | None:
    status, manifest = report.status, report.manifest
    has_failed = status is not None and status.state in ("failed", "rolled-back")
    failed = has_failed and not report.is_untried
    advice = advise(report)
    if report.damage or manifest is None or (failed and not advice.again):
        raise _needs_payload(drive, " ".join(report.damage) or advice.cause)
    if status is None or not failed:
        return None
    mending = plan_again(blocks, status, now)
    known = (entry for entry in ledger.entries() if entry.card_id == manifest.card_id)
    before = next(known, None) or _at_home(_entry(report, drive), home)
    entry = replace(
        _written(before, mending, now),
        drive=str(drive.path),
        serial=drive.serial,
        bytes_kept=0,
        result="verified",
        reason=f"To be tried again after {status.code or 'a failure'}.",
    )
    size = mending.size
    done = Mended(manifest.node, manifest.generation, is_new=False, bytes_written=size)
    return _Repair(done, mending, entry)


def _needs_payload(drive: Drive, why: str) -> BadInput:
    return BadInput(
        "needs-payload",
        f"What {drive.path} carries cannot be tried again: {why}",
        "Give it a new payload: add --scanner and --site.",
    )


def _written(line: Entry, mending: Mending, now: datetime) -> Entry:
    """The line of a card that is written to now."""
    return replace(
        line,
        written_at=now.isoformat(timespec="seconds"),
        bytes_written=mending.size,
        bytes_verified=mending.size,
        ranges=pack_ranges(extent.range for extent in mending.extents),
    )


def _plan_new(
    blocks: Blocks, report: CardReport, rig: RigMap, drive: Drive, now: datetime
) -> _Repair:
    node = rig.find(report.node or "")
    known = [*report.generations, *([report.manifest.generation] if report.manifest else [])]
    last = max(known, default=0)
    fresh = CardIdentity.fresh(now)
    identity = replace(
        fresh,
        generation=max(fresh.generation, last + 1),
        host_key=_host_key(blocks) or fresh.host_key,
    )
    digest = report.manifest.image_digest if report.manifest else _NO_DIGEST
    payload = compose(rig, node, identity, digest)
    doubt = _doubt(report, rig) or _objection(blocks, payload)
    mending = plan_payload(blocks, payload, now)
    line = node_line(_entry(report, drive), rig, node, identity, payload_digest(payload))
    entry = replace(
        _written(line, mending, now),
        replaces=report.manifest.card_id if report.manifest else "",
    )
    done = Mended(
        node.name, identity.generation, is_new=True, bytes_written=mending.size, doubt=doubt
    )
    return _Repair(done, mending, entry)


def _doubt(report: CardReport, rig: RigMap) -> str:
    """Whether the node has pinned another site's key."""
    status, signer = report.status, rig.secrets.signer
    if status is None or status.trust != "pinned":
        return ""
    known = status.signer.partition(" ")[0]
    ours = signer.public.fingerprint if signer else ""
    if known == ours:
        return ""
    other = f"signs with {ours}" if ours else "does not sign"
    return f"It may refuse that: it trusts {status.signer}; the site {rig.site.name} {other}."


def _objection(blocks: Blocks, payload: Mapping[str, bytes]) -> str:
    """What speaks against a payload where only the keys in the image, or brought later, count."""
    try:
        check_trust(blocks, payload)
    except BadInput as error:
        return error.message
    return ""


def _host_key(blocks: Blocks) -> str:
    """The host key that the card brought, if it still has it: the node keeps it."""
    boot = boot_partition(blocks)
    try:
        return (
            unpack(payload_files(FatVolume(blocks, boot.offset))).secrets.host_key if boot else ""
        )
    except Faulty:
        return ""


def _entry(report: CardReport, drive: Drive) -> Entry:
    """What is known of a card that is in no ledger of this computer."""
    manifest = report.manifest
    return replace(
        NO_NODE,
        node=manifest.node if manifest else "",
        generation=manifest.generation if manifest else 0,
        card_id=manifest.card_id if manifest else "",
        drive=str(drive.path),
        serial=drive.serial,
        drive_model=drive.model,
        image_digest=manifest.image_digest if manifest else "",
        result="verified",
    )


def _at_home(entry: Entry, home: RigMap | None) -> Entry:
    """The line with what the card's rig tells of its node."""
    node = next((node for node in home.nodes if node.name == entry.node), None) if home else None
    if home is None or node is None:
        return entry
    return replace(
        entry,
        profile=home.profile.name,
        site=home.site.name,
        position=node.position,
        role=node.role,
        address=home.hosts.get(node.name, ""),
        user=home.site.user.name,
    )
