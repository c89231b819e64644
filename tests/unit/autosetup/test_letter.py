"""A letter: what it tells, what it hides, and what cannot be put into another one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup import hpke
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.letter import (
    LARGEST_LETTER,
    Letter,
    make_letter,
    open_secrets,
    read_letter,
    write_letter,
)
from autosetup.manifest import MANIFEST, SIGNATURE, SITE_KEY, read_manifest
from autosetup.secrets_file import SECRETS
from tests.unit.autosetup.random_payloads import TEXTS, payloads
from tests.unit.autosetup.sample_payloads import CARD_ID, GENERATION, packed, sealed

PRIVATE, STRANGER = (base64.b64encode(bytes(range(n, n + 32))).decode() for n in (0, 1))
PUBLIC = base64.b64encode(hpke.public_half(base64.b64decode(PRIVATE))).decode()
PAYLOAD = sealed()
LETTER = make_letter("studio", PAYLOAD, PUBLIC)
Values = dict[str, object]


def changed(change: Callable[[Values], object]) -> bytes:
    """The letter with something changed in its JSON."""
    values: Values = json.loads(write_letter(LETTER))
    change(values)
    return json.dumps(values).encode()


def test_a_letter_reads_back_as_it_was_written_and_opens_for_its_card() -> None:
    letter = read_letter(write_letter(LETTER))
    assert letter == LETTER
    assert letter.told == read_manifest(PAYLOAD[MANIFEST])
    assert letter.payload == {name: PAYLOAD[name] for name in (MANIFEST, SIGNATURE, SITE_KEY)}
    assert open_secrets(letter, PRIVATE) == PAYLOAD[SECRETS]


def test_a_letter_shows_who_it_is_for_and_nothing_secret() -> None:
    raw = write_letter(LETTER)
    values = json.loads(raw)
    assert (values["card_id"], values["node"], values["generation"]) == (
        CARD_ID,
        "cam-0101",
        GENERATION,
    )
    plain = b"".join(base64.b64decode(values[name]) for name in ("manifest", "sealed"))
    assert b"correct horse" not in raw + plain


@given(payloads())
def test_any_payload_travels(made: tuple[object, object, dict[str, bytes]]) -> None:
    settings, secrets, files = made
    payload = sealed(packed(settings, secrets, files))  # type: ignore[arg-type]
    letter = read_letter(write_letter(make_letter("studio", payload, PUBLIC)))
    assert open_secrets(letter, PRIVATE) == payload[SECRETS]


def test_another_card_opens_nothing() -> None:
    with pytest.raises(AgentError) as caught:
        open_secrets(LETTER, STRANGER)
    assert caught.value.code == "not-sealed-for-us"


def test_sealed_secrets_cannot_be_moved_into_another_letter() -> None:
    later = make_letter("studio", sealed(packed(generation=GENERATION + 1)), PUBLIC)
    elsewhere = make_letter("attic", PAYLOAD, PUBLIC)
    for other in (later, elsewhere):
        moved = Letter(
            other.site, other.manifest, other.signature, other.site_key, LETTER.sealed, other.told
        )
        with pytest.raises(AgentError):
            open_secrets(moved, PRIVATE)


def test_secrets_that_the_manifest_does_not_tell_are_refused() -> None:
    swapped = {**PAYLOAD, SECRETS: PAYLOAD[SECRETS] + b"# more\n"}
    with pytest.raises(Faulty, match="not those of the manifest"):
        open_secrets(make_letter("studio", swapped, PUBLIC), PRIVATE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.update(generation=GENERATION + 1), "its manifest is of"),
        (lambda v: v.update(node="cam-0102"), "its manifest is of"),
        (lambda v: v.update(card_id="f" * 32), "its manifest is of"),
        (lambda v: v.update(site="../attic"), "site is"),
        (lambda v: v.update(node="../../etc"), "node is"),
        (lambda v: v.update(format=2), "format"),
        (lambda v: v.update(sealed="no base64!"), "sealed"),
        (lambda v: v.update(manifest=""), "manifest.json"),
        (lambda v: v.pop("sealed"), "sealed is missing"),
        (lambda v: v.update(more=1), "more is not known"),
    ],
)
def test_a_letter_that_contradicts_itself_is_refused(
    change: Callable[[Values], object], said: str
) -> None:
    with pytest.raises(Faulty, match=said):
        read_letter(changed(change))


def test_a_letter_without_an_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(Faulty, match="at most"):
        read_letter(b" " * (LARGEST_LETTER + 1))


@given(st.binary(max_size=300) | TEXTS.map(str.encode))
def test_whatever_comes_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(Faulty):
        read_letter(raw)
