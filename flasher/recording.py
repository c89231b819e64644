"""Cards made and recorded: each one that was begun has a line in the ledger, however it ended."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from autosetup.host_key import public_line
from autosetup.payload import MANIFEST
from flasher.card.inspect import card_id_on
from flasher.card.making import Made, Making, make_card
from flasher.card.plan import CardPlan
from flasher.card.write import WriteResult
from flasher.drives.model import Drive
from flasher.errors import Cancelled, FlasherError
from flasher.events import CancelFlag, Emit, Noted
from flasher.rig.entry import Entry, pack_ranges
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity
from flasher.rig.rigmap import Node, RigMap
from flasher.rig.tiers import entrance

# The line of a card that is no node's.
NO_NODE = Entry(
    written_at="",
    profile="",
    site="",
    node="",
    position="",
    generation=0,
    card_id="",
    drive="",
    serial="",
    image_digest="",
    bytes_written=0,
    seconds=0.0,
    result="failed",
    reason="",
)


def node_line(line: Entry, rig: RigMap, node: Node, identity: CardIdentity, digest: str) -> Entry:
    """The line of a card, with what is known of the node that its payload makes.

    Args:
        digest: of the payload, by `payload_digest`.
    """
    sealing_key, report_key = identity.public_keys
    return replace(
        line,
        profile=rig.profile.name,
        site=rig.site.name,
        node=node.name,
        position=node.position,
        role=node.role,
        generation=identity.generation,
        card_id=identity.card_id,
        payload_digest=digest,
        host_key=(public_line(identity.host_key) or "") if rig.site.host_keys else "",
        address=rig.hosts.get(node.name, ""),
        user=rig.site.user.name,
        sealing_key=sealing_key,
        report_key=report_key,
        reached_from=entrance(rig, node.role),
    )


def payload_digest(payload: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) of a payload's manifest, which names the digests of all else in it."""
    return hashlib.sha256(payload[MANIFEST]).hexdigest()


def make_recorded(
    plan: CardPlan,
    drive: Drive,
    making: Making,
    ledger: Ledger,
    line: Entry = NO_NODE,
    *,
    emit: Emit,
    cancel: CancelFlag,
) -> tuple[Made, Entry]:
    """Make a card, and add its line to the ledger.

    Args:
        line: whose card it is; what the drive and the work tell is filled in.

    Returns:
        the line too; without an id where the ledger could not take it, which is told as a warning.

    Raises:
        FlasherError: ``ledger-unusable``, before anything is written; others as `make_card` says.
    """
    ledger.prepare()
    line = _begun(line, plan, drive)
    replaces, begun = card_id_on(drive.path), time.monotonic()
    try:
        made = make_card(plan, drive, making, emit=emit, cancel=cancel)
    except (Exception, KeyboardInterrupt) as error:
        was_touched = card_id_on(drive.path) != replaces
        line = replace(_failed(line, error), replaces=replaces if was_touched else "")
        with suppress(FlasherError):  # what went wrong first is what must be heard
            ledger.record(_ended(line, begun))
        raise
    line = replace(_proven(line, made.written), replaces=replaces)
    with suppress(FlasherError):  # the card is good, also where its image is gone by now
        digest = plan.image.learn_digest(emit=emit, cancel=cancel)
        line = replace(line, image_digest=digest)
    return made, _recorded(_ended(line, begun), ledger, emit)


def _recorded(line: Entry, ledger: Ledger, emit: Emit) -> Entry:
    """The line as the ledger has it; without an id where it could not be added."""
    try:
        return ledger.record(line)
    except FlasherError as error:  # the card is good all the same
        what = f"The card is good, but its line is missing in the ledger: {error}"
        emit(Noted(line.drive, f"{what} {error.hint}", warning=True))
        return line


def _begun(line: Entry, plan: CardPlan, drive: Drive) -> Entry:
    return replace(
        line,
        written_at=_now(),
        image_name=plan.image.source.name,
        drive=str(drive.path),
        serial=drive.serial,
        drive_model=drive.model,
        reader_port=drive.port,
        cid=drive.card_id,
    )


def _failed(line: Entry, error: BaseException) -> Entry:
    if isinstance(error, Cancelled | KeyboardInterrupt):
        return replace(line, result="cancelled", reason="It was interrupted.")
    return replace(line, result="failed", reason=str(error))


def _proven(line: Entry, written: WriteResult) -> Entry:
    """What was read back, and how fast the card is."""
    return replace(
        line,
        result="verified",
        reason=f"Mended: {', '.join(map(str, written.mended))}." if written.mended else "",
        bytes_written=written.bytes_written,
        bytes_kept=written.bytes_kept,
        bytes_verified=written.bytes_verified,
        ranges=pack_ranges(written.verified),
        write_speed=round(written.write_speed, 1),
        read_speed=round(written.read_speed, 1),
    )


def _ended(line: Entry, begun: float) -> Entry:
    return replace(line, finished_at=_now(), seconds=round(time.monotonic() - begun, 3))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
