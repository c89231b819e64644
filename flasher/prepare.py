"""Prepare a card: compose, plan, write, verify, record; one path for every front end."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autosetup.host_key import public_line
from autosetup.payload import MANIFEST
from flasher.card.plan import CardPlan, plan_card
from flasher.card.target import open_target
from flasher.card.trusting import check_trust
from flasher.card.write import write_card
from flasher.drives.model import Drive
from flasher.errors import Cancelled, FlasherError
from flasher.events import CancelFlag, Emit, Noted
from flasher.image.source import ImageFile
from flasher.rig.certificate import save_certificate
from flasher.rig.entry import pack_ranges
from flasher.rig.ledger import Entry, Ledger, Result
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.rigmap import Node, RigMap


@dataclass(frozen=True, slots=True)
class NodeCard:
    """One card to be made: what must be on it, and for whom it is.

    Attributes:
        payload_digest: sha256 of the payload's manifest.
    """

    rig: RigMap
    node: Node
    identity: CardIdentity
    plan: CardPlan
    payload_digest: str = ""


@dataclass(frozen=True, slots=True)
class CardResult:
    """A card that was written and read back right.

    Attributes:
        bytes_written, bytes_verified: without the holes of the image.
        seconds: of both together.
    """

    node: Node
    drive: Path
    generation: int
    card_id: str
    image_digest: str
    bytes_written: int
    bytes_verified: int
    seconds: float


def plan_node_card(
    rig: RigMap, node: Node, image: ImageFile, now: datetime | None = None
) -> NodeCard:
    """Plan the card of a node; reads the image, writes nothing.

    Raises:
        BadInput: ``untrusted``, its node would refuse the site; others as `plan_card` says.
    """
    identity = CardIdentity.fresh(now or datetime.now(UTC))
    payload = compose(rig, node, identity, image.digest)
    check_trust(image, payload)
    digest = hashlib.sha256(payload[MANIFEST]).hexdigest()
    plan = plan_card(image, payload, modified=identity.planned_at)
    return NodeCard(rig, node, identity, plan, digest)


def prepare_card(
    card: NodeCard, drive: Drive, ledger: Ledger, *, emit: Emit, cancel: CancelFlag
) -> CardResult:
    """Write a planned card, read it back past every cache, and record how it went.

    Raises:
        FlasherError: as the engine says; the failure is in the ledger too.
    """
    ledger.prepare()
    begun = time.monotonic()
    try:
        with open_target(drive, card.plan.size) as target:
            written = write_card(card.plan, target, emit=emit, cancel=cancel)
    except (Exception, KeyboardInterrupt) as error:
        stopped = isinstance(error, Cancelled | KeyboardInterrupt)
        result: Result = "cancelled" if stopped else "failed"
        reason = "It was interrupted." if stopped else str(error)
        with suppress(FlasherError):  # what went wrong first is what must be heard
            ledger.record(_entry(card, drive, 0, time.monotonic() - begun, result, reason))
        raise
    seconds = time.monotonic() - begun
    entry = ledger.record(_entry(card, drive, written.bytes_written, seconds, "verified", ""))
    _certify(card, entry, ledger, emit)
    return CardResult(
        node=card.node,
        drive=drive.path,
        generation=card.identity.generation,
        card_id=card.identity.card_id,
        image_digest=card.plan.image.digest,
        bytes_written=written.bytes_written,
        bytes_verified=written.bytes_verified,
        seconds=seconds,
    )


def _certify(card: NodeCard, entry: Entry, ledger: Ledger, emit: Emit) -> None:
    """The card is good with or without its certificate, which can be made later, too."""
    if (signer := card.rig.secrets.signer) is None:
        return
    try:
        save_certificate(entry, signer, ledger.path.parent)
    except (FlasherError, OSError) as error:
        later = f"flasher ledger certificate {card.node.name}"
        emit(Noted(entry.drive, f"No certificate: {error}. Later: {later}", warning=True))


def _entry(
    card: NodeCard, drive: Drive, written: int, seconds: float, result: Result, reason: str
) -> Entry:
    return Entry(
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        profile=card.rig.profile.name,
        site=card.rig.site.name,
        node=card.node.name,
        position=card.node.position,
        generation=card.identity.generation,
        card_id=card.identity.card_id,
        drive=str(drive.path),
        serial=drive.serial,
        image_digest=card.plan.image.digest,
        bytes_written=written,
        seconds=round(seconds, 3),
        result=result,
        reason=reason,
        host_key=(public_line(card.identity.host_key) or "") if card.rig.site.host_keys else "",
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        payload_digest=card.payload_digest,
        image_name=card.plan.image.source.name,
        bytes_verified=card.plan.expected if result == "verified" else 0,
        ranges=pack_ranges(card.plan.ranges) if result == "verified" else "",
        drive_model=drive.model,
        role=card.node.role,
        address=card.rig.hosts.get(card.node.name, ""),
        user=card.rig.site.user.name,
    )
