"""Certificates as the command `ledger` makes and checks them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from autosetup.faults import Faulty
from autosetup.payload import MANIFEST
from autosetup.site_key import SiteKey, read_keys
from flasher.card.faults import CardMismatch
from flasher.card.inspect import inspect_card, payload_files
from flasher.card.plan import boot_partition
from flasher.drives.find import find_drive
from flasher.drives.opening import drive_blocks
from flasher.errors import BadDocument, BadInput, FlasherError
from flasher.image.blocks import Blocks
from flasher.image.fat import FatVolume
from flasher.rig.certificate import FOLDER, Certificate, save_certificate
from flasher.rig.documents import read_bytes
from flasher.rig.entry import Entry, standing
from flasher.rig.site import list_sites, load_site, public_key_line
from flasher.rig.site_secrets import Unlock

_SHORTEST_ID = 8


def find_card(word: str, entries: Sequence[Entry]) -> Entry:
    """The last standing card of a node, or the one whose id begins so.

    Args:
        word: a node, the begin of an id, or both, as a label's QR code tells them.
        entries: to choose from.

    Raises:
        BadInput: ``no-such-card``; ``node-ambiguous``, the node is in several rigs.
    """
    node, *_ = words = word.lower().split() or [""]
    begin = words[-1]
    by_id = [e for e in entries if e.result == "verified" and e.card_id.startswith(begin)]
    by_node = [e for e in standing(entries) if node in (e.node, e.position.lower())]
    found = by_id if len(begin) >= _SHORTEST_ID and (by_id or len(words) > 1) else by_node
    if not found:
        what = f"The ledger has no verified card {word!r}."
        raise BadInput("no-such-card", what, "`flasher ledger list` shows those that it has.")
    rigs = sorted({f"{entry.profile} at {entry.site}" for entry in found})
    if len(rigs) > 1:
        what = f"{word} is in several rigs: {', '.join(rigs)}."
        raise BadInput("node-ambiguous", what, "Name one of them: --site NAME --scanner NAME.")
    return found[-1]


def certificate_of(card: Entry, ledger: Path, unlock: Unlock | None = None) -> Path:
    """Path of a card's certificate, beside the ledger; made now if there is none.

    Raises:
        BadInput: ``no-site-key``, ``no-such-site``, ``site-locked``.
    """
    path = ledger.parent / FOLDER / f"{card.card_id}.json"
    if path.exists():
        return path
    _, secrets = load_site(card.site, unlock)
    if secrets.signer is None:
        what = f"The site {card.site} has no key on this computer, so nobody can sign for it."
        raise BadInput(
            "no-site-key", what, f"Make it once, and keep it: flasher site key {card.site}"
        )
    return save_certificate(card, secrets.signer, ledger.parent)


def check_signer(certificate: Certificate, key_file: Path | None) -> str:
    """Whose key signed it, in words.

    Args:
        key_file: with the key that it must be; None for that of any site on this computer.

    Raises:
        FlasherError: ``certificate-stranger``, nobody here knows the key.
    """
    known = tuple(_given(key_file)) if key_file else tuple(_known())
    for key in known:
        if key == certificate.key:
            return str(key)
    raise FlasherError(
        "certificate-stranger",
        f"It is signed with {certificate.key.fingerprint}, which is none of the keys known here.",
        "Ask for the site's key (flasher site key), and give its file: --key FILE.",
    )


def check_card(certificate: Certificate, argument: str) -> str:
    """Whether a drive or file is the card of a certificate; what it says of itself.

    Raises:
        CardMismatch: ``another-card``; ``payload-differs``, it is, but its payload was changed.
    """
    drive, facts = find_drive(argument), certificate.facts
    with drive_blocks(drive.path) as blocks:
        report, digest = inspect_card(blocks), _payload_digest(blocks)
    found = report.manifest.card_id if report.manifest else ""
    if found != facts["card_id"]:
        what = f"{drive.path} is another card: {report.summary}" + (
            f", id {found}." if found else "."
        )
        raise CardMismatch("another-card", what, f"Look for the card of {facts['node']}.")
    if report.damage or facts["payload_digest"] not in ("", digest):
        told = " ".join(report.damage) or "its manifest is not the one that was written."
        what = f"{drive.path} is the card, but its payload was changed since: {told}"
        raise CardMismatch("payload-differs", what, "Write it again: flasher prepare.")
    return report.summary


def _payload_digest(blocks: Blocks) -> str:
    with suppress(FlasherError):
        boot = boot_partition(blocks)
        files = payload_files(FatVolume(blocks, boot.offset)) if boot else {}
        return hashlib.sha256(files.get(MANIFEST, b"")).hexdigest()
    return ""


def _given(file: Path) -> tuple[SiteKey, ...]:
    try:
        return read_keys(str(file), read_bytes("key", file))
    except Faulty as faulty:
        raise BadDocument("public key", faulty.faults) from None


def _known() -> Iterator[SiteKey]:
    for name in list_sites():
        with suppress(FlasherError):  # a site with faults vouches for nothing
            yield from _keys_of(name)


def _keys_of(site: str) -> tuple[SiteKey, ...]:
    """What is public needs no passphrase."""
    line = public_key_line(site)
    return read_keys(site, line.encode()) if line else ()
