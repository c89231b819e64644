"""The letter of a card: a generation on its way to one node, over a network or on a stick.

It holds the manifest with the site's signature, and the secrets sealed to the card's own key. All
other files are found by what the manifest says of them; nobody else learns anything from a letter.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from autosetup import forms, hpke
from autosetup.card import digest_of
from autosetup.faults import Fault, Faulty
from autosetup.manifest import LARGEST, MANIFEST, SIGNATURE, SITE_KEY, read_manifest
from autosetup.manifest import record as record_of
from autosetup.secrets_file import SECRETS
from autosetup.settings import Manifest
from autosetup.strict import Table
from autosetup.strict_json import reading_json

FORMAT = 1
# A manifest of a thousand files takes about 150 KiB.
LARGEST_LETTER = 4 << 20
_CONTEXT = "autosetup letter 1"
_FILE = "letter"


@dataclass(frozen=True, slots=True)
class Letter:
    """A generation for a card.

    Attributes:
        site: name of the site that sends it.
        manifest, signature, site_key: bytes of these files of the payload; the node checks the
            signature when it accepts the payload.
        sealed: its secrets, see `seal_secrets`.
        told: what the manifest says: generation, node, card, files.
    """

    site: str
    manifest: bytes
    signature: bytes
    site_key: bytes
    sealed: bytes = field(repr=False)
    told: Manifest

    @property
    def payload(self) -> dict[str, bytes]:
        """The files of the payload that the letter itself has, but for its secrets."""
        return {MANIFEST: self.manifest, SIGNATURE: self.signature, SITE_KEY: self.site_key}


def make_letter(site: str, payload: dict[str, bytes], sealing_key: str) -> Letter:
    """The letter with a signed payload, for the holder of a card's key.

    Args:
        payload: all its files.
        sealing_key: public, in base64, as the ledger has it.

    Raises:
        Faulty: the manifest has faults.
        ValueError: the key is none.
    """
    manifest = payload[MANIFEST]
    told = read_manifest(manifest)
    sealed = seal_secrets(payload[SECRETS], sealing_key, site, told, manifest)
    return Letter(site, manifest, payload[SIGNATURE], payload[SITE_KEY], sealed, told)


def write_letter(letter: Letter) -> bytes:
    """The bytes of a letter: JSON, keys sorted."""
    values = {
        "format": FORMAT,
        "site": letter.site,
        "card_id": letter.told.card_id,
        "node": letter.told.node,
        "generation": letter.told.generation,
        "manifest": _text(letter.manifest),
        "signature": _text(letter.signature),
        "site_key": _text(letter.site_key),
        "sealed": _text(letter.sealed),
    }
    return (json.dumps(values, indent=2, sort_keys=True) + "\n").encode()


def read_letter(raw: bytes) -> Letter:
    """Read the bytes of a letter, the manifest in it too.

    Raises:
        Faulty: with all that is wrong; also where the letter and its manifest differ.
    """
    if len(raw) > LARGEST_LETTER:
        what = f"It is {len(raw)} bytes long; a letter has at most {LARGEST_LETTER}."
        raise Faulty([Fault(_FILE, 0, 0, what, "Make and publish a new release.")])
    with reading_json(_FILE, raw) as top:
        top.integer("format", low=1, high=FORMAT)
        site = top.string("site", form=forms.SITE)
        outside = (
            top.string("card_id", form=forms.CARD_ID),
            top.string("node", form=forms.HOSTNAME),
            top.integer("generation", low=1, high=LARGEST),
        )
        names = ("manifest", "signature", "site_key", "sealed")
        manifest, signature, site_key, sealed = (_bytes(top, name) for name in names)
    told = read_manifest(manifest)
    if outside != (told.card_id, told.node, told.generation):
        what = "The letter is not for the card, node and generation that its manifest is of."
        raise Faulty([Fault(_FILE, 0, 0, what, "Make and publish a new release.")])
    return Letter(site, manifest, signature, site_key, sealed, told)


def seal_secrets(
    secrets: bytes, sealing_key: str, site: str, told: Manifest, manifest: bytes
) -> bytes:
    """The secrets of a payload for the holder of one card's key; raises `ValueError` for no key.

    Args:
        secrets: bytes of ``secrets.toml``.
        sealing_key: public, in base64.
        site, told, manifest: what they belong to, and cannot be moved from.
    """
    public = base64.b64decode(sealing_key, validate=True)
    return hpke.seal(public, _context(site, told, manifest), secrets)


def open_secrets(letter: Letter, private: str) -> bytes:
    """The bytes of ``secrets.toml`` that came with a letter.

    Args:
        private: the card's key, in base64, as the agent keeps it.

    Raises:
        AgentError: ``not-sealed-for-us``.
        Faulty: they are not those that the manifest tells.
    """
    key = base64.b64decode(private, validate=True)
    secrets = hpke.unseal(key, _context(letter.site, letter.told, letter.manifest), letter.sealed)
    if letter.told.files.get(SECRETS) != record_of(secrets):
        what = "The secrets that came are not those of the manifest."
        raise Faulty([Fault(SECRETS, 0, 0, what, "Make and publish a new release.")])
    return secrets


def _context(site: str, told: Manifest, manifest: bytes) -> bytes:
    words = (_CONTEXT, site, told.card_id, str(told.generation), digest_of(manifest))
    return "\n".join(words).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(top: Table, key: str) -> bytes:
    text = top.string(key, form=forms.BASE64)
    return base64.b64decode(text) if not forms.BASE64.complain(text) else b""
