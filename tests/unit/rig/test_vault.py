"""Sealed files: opened by their passphrase alone, and nothing of them changes unnoticed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from flasher.errors import BadInput, EnvironmentLacks
from flasher.rig import vault
from flasher.rig.vault import read_vault, seal

FILES = {"secrets.toml": b"hunter2\n", "picture": bytes(range(256))}
ABOUT = {"site": "studio"}
PHRASE = "wren kettle"
NO_NONCE = base64.b64encode(bytes(12)).decode()


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    """The least that the format allows is enough to try the format."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault, "_N", 2)
        yield


def sealed(passphrase: str = PHRASE) -> bytes:
    return seal(FILES, passphrase, "secrets", ABOUT)


def refused(raw: bytes, passphrase: str = PHRASE) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_vault(raw, "a.file").open(passphrase)
    told = f"{caught.value}{caught.value.hint}{caught.value!r}"
    assert "hunter2" not in told
    assert passphrase not in told
    return caught.value


def test_what_was_sealed_is_opened_by_its_passphrase() -> None:
    raw = sealed()
    found = read_vault(raw, "a.file")
    assert (found.kind, found.about) == ("secrets", ABOUT)
    assert found.open(PHRASE) == FILES
    assert b"hunter2" not in raw
    assert b"secrets.toml" not in raw


def test_the_same_sealed_twice_has_nothing_in_common() -> None:
    one, two = json.loads(sealed()), json.loads(sealed())
    assert not {one["sealed"], one["nonce"], one["kdf"]["salt"]} & {
        two["sealed"],
        two["nonce"],
        two["kdf"]["salt"],
    }


def test_a_wrong_passphrase_is_told_from_damage() -> None:
    assert refused(sealed(), "another").code == "wrong-passphrase"


def test_letters_typed_on_another_system_are_the_same() -> None:
    assert read_vault(sealed("Bu\u0308ro"), "it").open("B\u00fcro") == FILES


def test_a_file_that_was_cut_is_told_wherever_it_was_cut() -> None:
    raw = sealed().rstrip()
    codes = {refused(raw[:size]).code for size in range(0, len(raw), 7)}
    assert codes == {"not-a-vault", "vault-damaged"}
    assert refused(raw[: len(raw) // 2]).code == "vault-damaged"


@given(st.data())
def test_no_byte_can_be_changed_unnoticed(data: st.DataObject) -> None:
    raw = bytearray(sealed())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 6))
    assert _tried(bytes(raw)) in (FILES, "not-a-vault", "vault-damaged", "vault-too-new")


def _tried(raw: bytes) -> dict[str, bytes] | str:
    try:
        return read_vault(raw, "it").open(PHRASE)
    except BadInput as error:
        return error.code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "site"),
        ("about", {"site": "loft"}),
        ("nonce", NO_NONCE),
    ],
)
def test_what_is_not_secret_is_proven_too(name: str, value: object) -> None:
    assert refused(checked(json.loads(sealed()) | {name: value})).code == "wrong-passphrase"


@pytest.mark.parametrize(
    "kdf",
    [
        {"n": 1 << 24},
        {"n": 1 << 20, "r": 8},
        {"n": 3},
        {"n": 0},
        {"n": True},
        {"n": "2"},
        {"r": 1 << 20},
        {"p": 1 << 20},
        {"p": 0},
        {"salt": ""},
        {"salt": "?"},
        {"name": "md5"},
    ],
)
def test_a_file_cannot_ask_for_more_than_a_computer_has(kdf: dict[str, object]) -> None:
    whole = json.loads(sealed())
    assert refused(checked(whole | {"kdf": whole["kdf"] | kdf})).code == "vault-damaged"


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"{}", b"[1]", b"\xff\xfe{", b"hunter2 = 1"])
def test_another_kind_of_file_is_told(raw: bytes) -> None:
    assert refused(raw).code == "not-a-vault"


def test_a_computer_without_enough_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = sealed()

    def lacking(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("cryptography.hazmat.primitives.kdf.scrypt.Scrypt", lacking)
    with pytest.raises(EnvironmentLacks, match="lacks"):
        read_vault(raw, "a.file").open("never tried before")


def test_a_newer_form_is_told() -> None:
    whole = json.loads(sealed())
    assert refused(checked({"flasher-vault": 2} | whole | {"flasher-vault": 2})).code == (
        "vault-too-new"
    )


def test_the_format_is_what_its_description_says() -> None:
    whole = json.loads(sealed("B\u00fcro"))
    header = {k: v for k, v in whole.items() if k not in ("sealed", "check")}
    kdf = header["kdf"]
    key = hashlib.scrypt(
        "B\u00fcro".encode(), salt=base64.b64decode(kdf["salt"]), n=kdf["n"], r=8, p=1, dklen=32
    )
    known = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    nonce, closed = base64.b64decode(header["nonce"]), base64.b64decode(whole["sealed"])
    files = json.loads(AESGCM(key).decrypt(nonce, closed, known))
    assert {name: base64.b64decode(text) for name, text in files.items()} == FILES


def checked(whole: dict[str, object]) -> bytes:
    """A file whose check sum was made to fit."""
    body = {name: value for name, value in whole.items() if name != "check"}
    raw = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps(body | {"check": hashlib.sha256(raw).hexdigest()}).encode()
