"""A certificate of one card: what was written and read back, signed with its site's key.

A file is a JSON object of three: ``certificate``, the facts; ``public_key``, the site's, in DER
(RFC 8410); and ``signature``, Ed25519 over the facts in canonical form: keys sorted, no blanks,
UTF-8, whole numbers only, no control characters: what RFC 8785 makes of them, and
``jq -jcS .certificate``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autosetup import forms
from autosetup.faults import Faulty, shown
from autosetup.manifest import LARGEST
from autosetup.site_key import SiteKey
from autosetup.strict import Table, pattern
from autosetup.strict_json import reading_json
from flasher import paths
from flasher.errors import BadDocument, BadInput, FlasherError
from flasher.files import write_atomic
from flasher.rig.entry import Entry
from flasher.rig.signing import SiteSigner

FORMAT, KIND = 1, "flasher-card"
FOLDER = "certificates"

# Columns of the ledger as they are.
_TEXTS = (
    *("card_id", "cid", "node", "position", "role", "profile", "site", "address", "host_key"),
    *("image_name", "image_digest", "payload_digest", "ranges", "written_at", "finished_at"),
    *("drive", "serial", "drive_model", "reader_port", "laptop", "tool", "entry_id"),
)
_NUMBERS = ("generation", "bytes_written", "bytes_kept", "bytes_verified")
# Bytes in a second, as the canonical form has whole numbers only.
_SPEEDS = {"write_bytes_per_second": "write_speed", "read_bytes_per_second": "read_speed"}
# What comes before the 32 bytes of a key in DER, in base64.
_HEAD = "MCowBQYDK2VwAyEA"
_KEY = pattern(rf"{_HEAD}[A-Za-z0-9+/]{{43}}=", "an Ed25519 key in DER and base64")
_SIGNATURE = pattern(r"[A-Za-z0-9+/]{86}==", "64 bytes in base64")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose signature is right; whether its key is to be trusted is another matter.

    Attributes:
        facts: by name, as in the file.
        key: the site's.
    """

    facts: Mapping[str, str | int]
    key: SiteKey


def certify(entry: Entry, signer: SiteSigner) -> str:
    """The text of a card's certificate; the same line and key give the same.

    Raises:
        BadInput: ``not-verified``, this card was never read back right.
    """
    if entry.result != "verified" or not entry.card_id:
        what = (
            f"The card of {entry.node or entry.drive} was not verified: nothing can be certified."
        )
        raise BadInput("not-verified", what, "Write it again: flasher prepare.")
    facts: dict[str, str | int] = {"format": FORMAT, "kind": KIND}
    facts |= {name: shown(getattr(entry, name)) for name in _TEXTS}
    facts |= {name: getattr(entry, name) for name in _NUMBERS}
    facts |= {name: round(getattr(entry, column) * 1e6) for name, column in _SPEEDS.items()}
    content = {
        "certificate": facts,
        "public_key": _HEAD + base64.b64encode(signer.public.raw).decode(),
        "signature": base64.b64encode(signer.key.sign(canonical(facts))).decode(),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_certificate(path: Path) -> Certificate:
    """Read a certificate, and check its signature.

    Raises:
        BadInput: ``certificate-unreadable``.
        BadDocument: it is no certificate, or one of a newer form.
        FlasherError: ``certificate-forged``, the facts are not those that were signed.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise BadInput("certificate-unreadable", what, "Check the path.") from None
    try:
        with reading_json(path.name, raw) as top:
            facts = _facts(top.table("certificate"))
            key = top.string("public_key", form=_KEY).removeprefix(_HEAD)
            signature = top.string("signature", form=_SIGNATURE)
    except Faulty as faulty:
        raise BadDocument("certificate", faulty.faults) from None
    site_key = SiteKey(base64.b64decode(key), str(facts["site"]))
    if not site_key.has_signed(canonical(facts), base64.b64decode(signature)):
        raise FlasherError(
            "certificate-forged",
            f"{path} does not say what was signed: it was changed afterwards.",
            "Take it from the laptop that wrote the card: flasher ledger certificate CARD-ID",
        )
    return Certificate(facts, site_key)


def save_certificate(entry: Entry, signer: SiteSigner, folder: Path) -> Path:
    """Write a card's certificate into the folder beside its ledger; gives its path.

    Raises:
        BadInput: as `certify` says.
    """
    path = folder / FOLDER / f"{entry.card_id}.json"
    text = certify(entry, signer)
    paths.make_folder(path.parent)
    write_atomic(path, text)
    paths.hand_over(path)
    return path


def canonical(facts: Mapping[str, str | int]) -> bytes:
    """The bytes that are signed."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _facts(table: Table) -> dict[str, str | int]:
    facts: dict[str, str | int] = {
        "format": table.integer("format", low=FORMAT, high=FORMAT),
        "kind": table.string("kind", choices=(KIND,)),
    }
    shapes = {"card_id": forms.CARD_ID}
    facts |= {name: table.string(name, form=shapes.get(name)) for name in _TEXTS}
    for name in (*_NUMBERS, *_SPEEDS):
        facts[name] = table.integer(name, low=0, high=LARGEST)
    return facts
