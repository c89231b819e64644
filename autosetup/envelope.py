"""A text that a node sends, signed by the Ed25519 key that its card brought.

``{"card_id": …, "signature": base64, "report": "the text that was signed"}``. What is signed begins
with a line that says what the text is for, so that none counts as another kind.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import NamedTuple

from autosetup import forms
from autosetup.faults import Fault, Faulty
from autosetup.site_key import SiteKey
from autosetup.strict import Pattern, pattern
from autosetup.strict_json import reading_json

REPORT = b"autosetup report 1\n"
TURN = b"autosetup turn 1\n"
# Nothing that a node has to say is longer; bytes of the whole envelope.
LARGEST_ENVELOPE = 16 * 1024
_FILE = "envelope"
_KEY_SIZE = 32
_BASE64 = pattern(r"[A-Za-z0-9+/]{1,128}={0,2}", "bytes as base64")
_REMEDY = "A node's agent writes this, never a person."


class Envelope(NamedTuple):
    """A text with the card that it is said to be of; nothing of it is proven."""

    card_id: str
    signature: bytes
    text: str


def write(purpose: bytes, card_id: str, text: str, private: str) -> bytes:
    """Sign a text.

    Args:
        purpose: `REPORT` or `TURN`.
        card_id: of the card that brought the key.
        text: one JSON object.
        private: 32 bytes as base64, see `Secrets.report_key`.

    Raises:
        ImportError: the system has no python3-cryptography.
        ValueError: `private` is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private, validate=True))
    signature = base64.b64encode(key.sign(purpose + text.encode())).decode()
    sealed = {"card_id": card_id, "signature": signature, "report": text}
    return json.dumps(sealed, ensure_ascii=False).encode()


def read_envelope(raw: bytes) -> Envelope:
    """Read what `write` wrote; raises `Faulty`."""
    if len(raw) > LARGEST_ENVELOPE:
        what = f"This is {len(raw)} bytes; {LARGEST_ENVELOPE} are the most."
        raise Faulty([Fault(_FILE, 0, 0, what, _REMEDY)])
    with reading_json(_FILE, raw) as top:
        card_id = top.string("card_id", form=forms.CARD_ID)
        signature = top.string("signature", form=_BASE64)
        text = top.string("report", form=_ONE_LINE)
    return Envelope(card_id, _decoded(signature), text)


def is_signed(envelope: Envelope, purpose: bytes, public: str) -> bool:
    """Whether the text was signed, for that purpose, by the key of this public half (base64).

    Raises:
        AgentError: ``no-verifier``, see `SiteKey.has_signed`.
    """
    raw = _decoded(public)
    signed = purpose + envelope.text.encode()
    return len(raw) == _KEY_SIZE and SiteKey(raw).has_signed(signed, envelope.signature)


def text_form(most: int) -> Pattern:
    """Text of one line that no terminal obeys and that reads in one direction."""
    commands = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
    return pattern(f"[^{commands}]{{0,{most}}}", f"at most {most} plain characters")


_ONE_LINE = text_form(LARGEST_ENVELOPE)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
