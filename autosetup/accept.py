"""From an offer to a payload at work: everything is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from autosetup import board, card_keys, past_card, time_floor
from autosetup.card import digest_of
from autosetup.growth import grow
from autosetup.imports.found import note_ignored
from autosetup.manifest import MANIFEST
from autosetup.offer import Offer
from autosetup.outlets import utc_now
from autosetup.payload import Payload
from autosetup.places import growing_folder
from autosetup.record import Record
from autosetup.run import Tools, open_payload
from autosetup.secrets_file import SECRETS, is_redacted
from autosetup.settings import Manifest
from autosetup.status import Status
from autosetup.steps import STEPS
from autosetup.trust import Standing, check_unsigned
from autosetup.weigh import pin, weigh


def status_of(manifest: Manifest) -> Status:
    """The status of a payload that is being checked on this board."""
    return Status(
        "checking",
        node=manifest.node,
        generation=manifest.generation,
        card_id=manifest.card_id,
        image_digest=manifest.image_digest,
        pi_serial=board.serial(),
        pi_model=board.model(),
        started_at=utc_now(),
    )


def checked(tools: Tools, offer: Offer, record: Record | None) -> tuple[Offer, Payload]:
    """The offer with its secrets, and the payload in it; nothing is changed.

    What decides whether an offer may count at all belongs here, before it is opened.

    Raises:
        Faulty: with everything that is wrong.
        AgentError: it may not be applied on this node.
    """
    offer = offer if offer.standing else weigh(tools, offer, record, to_apply=True)
    if offer.standing and offer.standing.objection:
        raise offer.standing.objection
    if offer.manifest and is_redacted(offer.raw.get(SECRETS, b"")):
        offer = _with_secrets(offer, tools.journal.payload(offer.manifest.generation))
    payload = open_payload(tools, offer.raw)
    # What is let in for its networks alone has the files of the payload in force.
    if (offer.standing or Standing()).trust not in ("baked", "pinned", "network-only"):
        check_unsigned(tools.system, payload.settings, payload.files)
    return offer, payload


def accept(
    tools: Tools, offer: Offer, payload: Payload, status: Status, record: Record | None
) -> Record:
    """Keep a copy of a checked offer, and begin its record; only now the node is changed.

    Args:
        offer, payload: as `checked` gave them.
        status: see `status_of`.
        record: of the payload before; None on a new node.
    """
    generation = status.generation or 0
    note_ignored(tools, generation)
    if tools.journal.payload(generation) != offer.raw:
        tools.journal.keep(generation, offer.raw)
    if offer.beside is not None:
        past_card.note(tools.journal.folder, offer.beside)
    card_keys.keep(tools.journal.folder, payload.manifest.card_id, payload.secrets)
    standing = offer.standing or Standing()
    if standing.pins:
        pin(tools.journal.folder, standing.pins)
    status = replace(status, trust=standing.trust, signer=standing.signer)
    status = replace(status, state="applying", step_count=len(STEPS), started_at=utc_now())
    new = Record(offer.digest, replace(status, attempt=1), starts=1)
    if record and record.digest == offer.digest:
        attempt = record.status.attempt + (record.status.state == "failed")
        new = replace(new, status=replace(status, attempt=max(attempt, 1)))
        new = replace(new, restarts=record.restarts, stops=record.stops)
    return replace(new, scripts=record.scripts, good=record.good) if record else new


def prepare(tools: Tools, past: str | None) -> None:
    """Time and room, which all that follows may need.

    Args:
        past: a UTC time that is over for certain.
    """
    if time_floor.mend_clock(tools.system, tools.journal.folder / time_floor.FOLDER, past):
        tools.outlets.log(f"The clock was wrong; it was set to {utc_now()}.")
    take_room(tools, tools.outlets.log)


def take_room(tools: Tools, log: Callable[[str], None]) -> None:
    """Take the rest of the card, before anything else needs the room."""
    grow(tools.system, growing_folder(tools.system), log)


def _with_secrets(offer: Offer, kept: Mapping[str, bytes]) -> Offer:
    """An offer that succeeded once, so that only our copy of it has its secrets."""
    is_it = digest_of(kept.get(MANIFEST, b"")) == offer.digest
    return replace(offer, raw=kept) if is_it else offer
