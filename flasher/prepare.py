"""Prepare a card: compose, plan, write, verify, record; one path for every front end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from autosetup.trust import UPDATE_ROOT
from flasher.card.making import USUAL, Making
from flasher.card.plan import CardPlan, plan_card
from flasher.card.trusting import check_trust, update_root
from flasher.card.unfinished import Whose
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Emit, Noted
from flasher.image.ranges import ByteRange
from flasher.image.source import ImageFile
from flasher.recording import NO_NODE, make_recorded, node_line, payload_digest
from flasher.rig.certificate import save_certificate
from flasher.rig.entry import NO_ROOT, Entry
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.readers import judge_reader
from flasher.rig.rigmap import Node, RigMap


@dataclass(frozen=True, slots=True)
class NodeCard:
    """One card to be made: what must be on it, and for whom it is.

    Attributes:
        payload_digest: sha256 of the payload's manifest.
        update_root: whose releases its node takes, as in the ledger's line.
    """

    rig: RigMap
    node: Node
    identity: CardIdentity
    plan: CardPlan
    payload_digest: str = ""
    update_root: str = ""


@dataclass(frozen=True, slots=True)
class CardResult:
    """A card that was written and read back right.

    Attributes:
        bytes_written: of what was not right already; `bytes_kept` were.
        bytes_verified: read from the card and found right, those kept among them.
        seconds: of all of it.
        mended: what was right only the second time.
        ejected: whether the reader gave the card back.
    """

    node: Node
    drive: Path
    generation: int
    card_id: str
    image_digest: str
    bytes_written: int
    bytes_verified: int
    seconds: float
    bytes_kept: int = 0
    mended: tuple[ByteRange, ...] = ()
    ejected: bool = False


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
    whose = Whose(node.name, rig.profile.name, rig.site.name)
    plan = replace(plan_card(image, payload, modified=identity.planned_at), whose=whose)
    root = _root_of(rig, node, image)
    return NodeCard(rig, node, identity, plan, payload_digest(payload), root)


def tell_no_releases(rig: RigMap, nodes: Iterable[Node], image: ImageFile, emit: Emit) -> None:
    """Warn, once for all nodes, where they could never take a release.

    Args:
        nodes: whose cards are to be made of the image.
    """
    if deaf := never_updated(rig, nodes, image):
        who = deaf[0].name if len(deaf) == 1 else f"these {len(deaf)} nodes"
        what = f"This image knows no repository of releases, so {who} can never take one."
        hint = "If they are to: flasher build-base --update-root FILE, see docs/releases.md"
        emit(Noted(image.source.name, f"{what} {hint}", warning=True))


def never_updated(rig: RigMap, nodes: Iterable[Node], image: ImageFile) -> tuple[Node, ...]:
    """Those of the nodes that could never take a release: only a card brings the root of one.

    Reads the image.
    """
    if update_root(image) != b"":
        return ()
    return tuple(node for node in nodes if not _brings_root(rig, node))


def _root_of(rig: RigMap, node: Node, image: ImageFile) -> str:
    """As `Entry.update_root` has it; a profile may bring the root itself."""
    raw = None if _brings_root(rig, node) else update_root(image)
    if raw is None:
        return ""
    return NO_ROOT if raw == b"" else sha256(raw).hexdigest()


def _brings_root(rig: RigMap, node: Node) -> bool:
    return any(file.path == UPDATE_ROOT for file in rig.role_of(node).files)


def prepare_card(
    card: NodeCard,
    drive: Drive,
    ledger: Ledger,
    *,
    emit: Emit,
    cancel: CancelFlag,
    making: Making = USUAL,
) -> CardResult:
    """Write a planned card, read it back past every cache, and record how it went.

    Raises:
        FlasherError: as the engine says; the failure is in the ledger too.
    """
    made, entry = make_recorded(
        card.plan, drive, making, ledger, _line(card), emit=emit, cancel=cancel
    )
    _certify(card, entry, ledger, emit)
    with suppress(FlasherError):  # the card is good, whatever is wrong with the ledger now
        if blame := judge_reader(ledger.entries(), entry):
            emit(Noted(entry.drive, blame, warning=True))
    return CardResult(
        node=card.node,
        drive=drive.path,
        generation=card.identity.generation,
        card_id=card.identity.card_id,
        image_digest=card.plan.image.digest,
        bytes_written=made.written.bytes_written,
        bytes_verified=made.written.bytes_verified,
        seconds=entry.seconds,
        bytes_kept=made.written.bytes_kept,
        mended=made.written.mended,
        ejected=made.ejected,
    )


def _certify(card: NodeCard, entry: Entry, ledger: Ledger, emit: Emit) -> None:
    """The card is good with or without its certificate, which can be made later, too."""
    if (signer := card.rig.secrets.signer) is None or not entry.entry_id:
        return
    try:
        save_certificate(entry, signer, ledger.path.parent)
    except (FlasherError, OSError) as error:
        later = f"flasher ledger certificate {card.node.name}"
        emit(Noted(entry.drive, f"No certificate: {error}. Later: {later}", warning=True))


def _line(card: NodeCard) -> Entry:
    """What the ledger is told of a card before it is written."""
    line = node_line(NO_NODE, card.rig, card.node, card.identity, card.payload_digest)
    return replace(line, image_digest=card.plan.image.digest, update_root=card.update_root)
