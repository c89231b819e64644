"""What is sealed for one key, compared with RFC 9180 and with another implementation of it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hpke as theirs
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from autosetup import hpke
from autosetup.errors import AgentError

# RFC 9180, A.2.1: base mode of the same suite.
EPHEMERAL = bytes.fromhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600")
ENCLOSED = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
PRIVATE = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
PUBLIC = bytes.fromhex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
INFO = b"Ode on a Grecian Urn"
SHARED = bytes.fromhex("0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7")
KEY = bytes.fromhex("ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91")
NONCE = bytes.fromhex("5c4d98150661b848853b547f")

SUITE = theirs.Suite(theirs.KEM.X25519, theirs.KDF.HKDF_SHA256, theirs.AEAD.CHACHA20_POLY1305)
KEYS = st.binary(min_size=32, max_size=32)


def test_keys_and_secrets_are_those_of_the_rfc() -> None:
    assert hpke.public_half(PRIVATE) == PUBLIC
    assert hpke.public_half(EPHEMERAL) == ENCLOSED
    assert hpke._shared(EPHEMERAL, PUBLIC, ENCLOSED, PUBLIC) == SHARED
    assert hpke._shared(PRIVATE, ENCLOSED, ENCLOSED, PUBLIC) == SHARED
    assert hpke._schedule(SHARED, INFO) == (KEY, NONCE)


@given(KEYS, st.binary(max_size=99), st.binary(max_size=999))
def test_another_implementation_opens_what_we_seal_and_the_other_way_round(
    private: bytes, info: bytes, message: bytes
) -> None:
    public = hpke.public_half(private)
    sealed = hpke.seal(public, info, message)
    assert len(sealed) == len(message) + hpke.OVERHEAD
    key = X25519PrivateKey.from_private_bytes(private)
    assert SUITE.decrypt(sealed, key, info) == message
    by_them = SUITE.encrypt(message, X25519PublicKey.from_public_bytes(public), info)
    assert hpke.unseal(private, info, by_them) == message


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_anywhere_opens_nothing(at: int, change: int) -> None:
    sealed = bytearray(hpke.seal(PUBLIC, INFO, b"secrets", ephemeral=EPHEMERAL))
    # The top bit of a public key counts for nothing in X25519 (RFC 7748, 5), but here it does.
    sealed[at % len(sealed)] ^= change
    with pytest.raises(AgentError, match="not sealed for this node"):
        hpke.unseal(PRIVATE, INFO, bytes(sealed))


@pytest.mark.parametrize("size", [0, 1, 31, 32, 47, 48])
def test_what_is_cut_short_opens_nothing(size: int) -> None:
    sealed = hpke.seal(PUBLIC, INFO, b"secrets")
    with pytest.raises(AgentError):
        hpke.unseal(PRIVATE, INFO, sealed[:size])


def test_another_key_or_another_purpose_opens_nothing() -> None:
    sealed = hpke.seal(PUBLIC, INFO, b"secrets")
    for private, info in ((EPHEMERAL, INFO), (PRIVATE, b"another letter")):
        with pytest.raises(AgentError):
            hpke.unseal(private, info, sealed)


def test_each_sealing_is_another_one() -> None:
    assert hpke.seal(PUBLIC, INFO, b"secrets") != hpke.seal(PUBLIC, INFO, b"secrets")


@pytest.mark.parametrize("public", [bytes(32), bytes([1]) + bytes(31), bytes(31)])
def test_a_weak_key_is_none(public: bytes) -> None:
    """A shared secret of zeros would be everybody's (RFC 9180, 7.1.4)."""
    with pytest.raises(ValueError, match=r".*"):
        hpke.seal(public, INFO, b"secrets")
