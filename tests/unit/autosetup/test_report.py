"""What a node tells the board: short, plain, and signed by the key of its card."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some

from autosetup import envelope
from autosetup.faults import Faulty
from autosetup.report import Report, of_status, read_envelope, verified, write_envelope
from autosetup.status import Status, Warned

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = base64.b64encode(bytes(range(32))).decode()
PUBLIC = base64.b64encode(
    _KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()
CARD = "0123456789abcdef" * 2
FULL = Report(
    card_id=CARD,
    node="cam-0101",
    sequence=(7 << 32) | 42,
    state="failed",
    step="scripts",
    step_number=11,
    step_count=12,
    code="script-failed",
    reason="The camera of “Süd” does not answer.",
    hint="See to its cable.",
    generation=1795233590,
    failed_generation=1795233599,
    warnings=("other-board",),
    agent_version="0.2.0",
    image_digest="ab" * 32,
    serial="10000000abcdef01",
    model="Raspberry Pi 3 Model B",
    uptime_seconds=3600,
    time_ms=1795233590123,
    temperature_c=-3,
    card_wear_percent=20,
    free_bytes=5_000_000_000,
    addresses=("10.40.1.1", "fe80::1"),
    update="fetching 3 of 7",
)


def test_every_field_comes_back_as_it_was_sent() -> None:
    assert verified(read_envelope(write_envelope(FULL, PRIVATE)), PUBLIC) == FULL
    least = Report(CARD, "cam-0101", 0, "waiting")
    assert verified(read_envelope(write_envelope(least, PRIVATE)), PUBLIC) == least
    assert not [
        f.name
        for f in fields(Report)
        if getattr(FULL, f.name) == getattr(least, f.name) and f.name not in ("card_id", "node")
    ]


def test_a_stranger_s_report_is_none() -> None:
    sealed = read_envelope(write_envelope(FULL, OTHER))
    assert verified(sealed, PUBLIC) is None
    for public in ("", "no base64", base64.b64encode(b"short").decode(), PRIVATE):
        assert verified(sealed, public) is None


def test_what_was_signed_cannot_be_changed_nor_count_as_something_else() -> None:
    sealed = read_envelope(write_envelope(FULL, PRIVATE))
    assert verified(sealed._replace(text=sealed.text.replace("failed", "done")), PUBLIC) is None
    assert verified(sealed._replace(signature=sealed.signature[:-1]), PUBLIC) is None
    turn = read_envelope(envelope.write(envelope.TURN, CARD, FULL.to_json(), PRIVATE))
    assert envelope.is_signed(turn, envelope.TURN, PUBLIC)
    assert verified(turn, PUBLIC) is None


def test_a_card_cannot_speak_for_another() -> None:
    sealed = read_envelope(write_envelope(FULL, PRIVATE))
    with pytest.raises(Faulty, match="another card"):
        verified(sealed._replace(card_id="f" * 32), PUBLIC)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "well"},
        {"node": "../etc"},
        {"reason": "x" * 401},
        {"reason": "a\u202eb"},
        {"hint": "\x1b[2J"},
        {"sequence": -1},
        {"sequence": 1.5},
        {"sequence": 2**60},
        {"temperature_c": 900},
        {"addresses": ["10.0.0.1"] * 9},
        {"addresses": ["<script>"]},
        {"warnings": "name-taken"},
        {"surprise": 1},
        {"format": 2},
    ],
)
def test_what_is_too_large_or_of_another_form_is_refused(change: dict[str, object]) -> None:
    text = json.dumps({**json.loads(FULL.to_json()), **change})
    sealed = read_envelope(envelope.write(envelope.REPORT, CARD, text, PRIVATE))
    with pytest.raises(Faulty):
        verified(sealed, PUBLIC)


def test_an_envelope_has_a_limit_before_anything_in_it_is_read() -> None:
    with pytest.raises(Faulty, match="are the most"):
        read_envelope(b"{" + b" " * envelope.LARGEST_ENVELOPE)


@given(some.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_refused(raw: bytes) -> None:
    with pytest.raises(Faulty):
        read_envelope(raw)


@given(some.text(), some.text(max_size=60))
def test_whatever_a_status_says_makes_a_report_that_readers_take(text: str, code: str) -> None:
    warned = tuple(Warned(code, text) for _ in range(20))
    status = Status(
        "failed",
        node="cam-0101",
        card_id=CARD,
        step=code,
        code=code,
        reason=text * 9,
        hint=text,
        warnings=warned,
        pi_model=text,
        addresses=("10.0.0.1",) * 20,
    )
    report = replace(of_status(status, 1), update="idle")
    assert verified(read_envelope(write_envelope(report, PRIVATE)), PUBLIC) == report


def test_the_longest_report_fits_into_an_envelope() -> None:
    widest = "\U0001f98a" * 400
    status = Status(
        "failed",
        node="n" * 63,
        card_id=CARD,
        step=widest,
        code=widest,
        reason=widest,
        hint=widest,
        warnings=(Warned(widest, ""),) * 9,
        pi_model=widest,
        pi_serial=widest,
        addresses=("ffff:" * 7 + "ffff",) * 9,
    )
    report = replace(of_status(status, 2**53), update=widest[:100], agent_version=widest[:100])
    assert verified(read_envelope(write_envelope(report, PRIVATE)), PUBLIC) == report
