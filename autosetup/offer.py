"""What a boot finds: the agent's own record, and the payload that the card offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autosetup.card import digest_of
from autosetup.decide import is_unfinished
from autosetup.faults import Faulty
from autosetup.imports.found import offered
from autosetup.manifest import MANIFEST, compare, read_manifest
from autosetup.payload import NODE, read_folder, unpack
from autosetup.record import Record
from autosetup.run import Tools
from autosetup.secrets_file import SECRETS
from autosetup.settings import Manifest
from autosetup.trust import Standing

# Where the card has none of these, it has no payload, whatever else lies in its folder.
_PARTS = {MANIFEST, NODE, SECRETS}


@dataclass(frozen=True, slots=True)
class Offer:
    """A payload that nobody has accepted yet.

    Attributes:
        raw: its files by path, as they are; not checked.
        manifest: None where there is none, or where it cannot be read and need not be.
        digest: SHA-256 (hex) of the manifest's bytes.
        standing: what it counts for; None where nobody has asked yet, see `weigh`.
        beside: what the card has, where this did not come by the card; else None.
    """

    raw: Mapping[str, bytes]
    manifest: Manifest | None
    digest: str
    standing: Standing | None = None
    beside: Mapping[str, bytes] | None = None


def load_record(tools: Tools) -> Record | None:
    """The agent's record; a spoiled one is put out of the way and counts as none."""
    try:
        return tools.journal.load()
    except Faulty as faulty:
        tools.outlets.log(f"The journal is spoiled and is begun anew: {faulty}")
        tools.journal.set_aside()
        return None


def read_offer(tools: Tools, record: Record | None) -> Offer:
    """What the card offers, or what was given to the node itself, if that is newer.

    A node that has its payload can live with a spoiled card.

    Raises:
        OSError: the card cannot be read, and there is no record.
        Faulty: the manifest is spoiled, and no run is under way.
    """
    raw = _read_card(tools, record)
    if not _PARTS & raw.keys():
        raw = offered(tools, record)
    offer = Offer(raw, _manifest(tools, raw, record), digest_of(raw.get(MANIFEST, b"")))
    staged = _staged(tools, record)
    if staged and not (offer.manifest and offer.manifest.generation >= _generation(staged)):
        return replace(staged, beside=raw)
    return offer


def note(tools: Tools, offer: Offer, *, is_older: bool) -> None:
    """Tell the log about a payload that is older, or that was edited after it was applied."""
    if offer.manifest and is_older:
        tools.outlets.log(f"Generation {offer.manifest.generation} on the card is older: ignored.")
    elif offer.manifest:
        for fault in compare(offer.manifest, offer.raw):
            if fault.file != SECRETS:
                tools.outlets.log(f"Ignored, as this generation is done already: {fault}")


def _staged(tools: Tools, record: Record | None) -> Offer | None:
    """What waits for this run; it is forgotten where it is not newer than what was accepted."""
    raw = tools.journal.staged()
    try:
        found = Offer(raw, read_manifest(raw[MANIFEST]), digest_of(raw[MANIFEST])) if raw else None
    except Faulty:
        found = None
    if raw and (found is None or (record and _generation(found) <= record.newest[0])):
        tools.journal.drop_staged()
        return None
    return found


def _generation(offer: Offer) -> int:
    return offer.manifest.generation if offer.manifest else 0


def _read_card(tools: Tools, record: Record | None) -> dict[str, bytes]:
    try:
        return read_folder(tools.outlets.card) if tools.outlets.card else {}
    except OSError as error:
        if record is None:
            raise
        tools.outlets.log(f"The card cannot be read: {error}")
        return {}


def _manifest(tools: Tools, raw: Mapping[str, bytes], record: Record | None) -> Manifest | None:
    try:
        return read_manifest(raw[MANIFEST]) if MANIFEST in raw else None
    except Faulty as faulty:
        if record is None or not is_unfinished(record):
            unpack(raw)  # which tells the faults of the other files too
            raise
        tools.outlets.log(str(faulty))
        return None
