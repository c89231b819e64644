"""Something sealed to the holder of one X25519 key: HPKE in base mode, for a single message.

RFC 9180 with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305, because it has vectors
and other implementations to compare with. python3-cryptography of Debian 12 has the primitives, but
not HPKE itself; it is loaded only when something is sealed or opened.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness

from autosetup.errors import AgentError

KEY_BYTES = 32
# What sealing adds: the ephemeral public key, and the tag of ChaCha20Poly1305.
OVERHEAD = KEY_BYTES + 16
# RFC 9180, 7.1 to 7.3: of this KEM alone, and of the three together.
_KEM, _SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"
_NONCE_BYTES, _SECRET_BYTES, _BASE_MODE = 12, 32, b"\x00"


def public_half(private: bytes) -> bytes:
    """The public key, 32 bytes, of a private one."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)  # Debian 12 has no shorter way


def seal(public: bytes, info: bytes, message: bytes, *, ephemeral: bytes | None = None) -> bytes:
    """The message, for the holder of a private key alone; `OVERHEAD` bytes longer.

    Args:
        public: 32 bytes.
        info: what opening must name too.
        ephemeral: a private key to use once; random where none is given, as it must be but in
            tests.

    Raises:
        ValueError: the public key is none, or a weak one.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    # Any 32 bytes are a private key (RFC 7748, 5).
    fresh = randomness.token_bytes(KEY_BYTES) if ephemeral is None else ephemeral
    enclosed = public_half(fresh)
    key, nonce = _schedule(_shared(fresh, public, enclosed, public), info)
    return enclosed + ChaCha20Poly1305(key).encrypt(nonce, message, b"")


def unseal(private: bytes, info: bytes, sealed: bytes) -> bytes:
    """What `seal` was given.

    Raises:
        AgentError: ``not-sealed-for-us``, by the key, by `info` or because a bit was changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    enclosed, box = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    try:
        key, nonce = _schedule(_shared(private, enclosed, enclosed, public_half(private)), info)
        return ChaCha20Poly1305(key).decrypt(nonce, box, b"")
    except (InvalidTag, ValueError):
        what = "The secrets that came are not sealed for this node, or were changed on the way."
        raise AgentError("not-sealed-for-us", what, "Make and publish a new release.") from None


def _shared(private: bytes, public: bytes, enclosed: bytes, recipient: bytes) -> bytes:
    """The secret that both halves lead to (RFC 9180, 4.1); raises `ValueError` for weak keys."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    secret = X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(public)
    )
    prk = _extract(_KEM, b"", b"eae_prk", secret)
    return _expand(_KEM, prk, b"shared_secret", enclosed + recipient, _SECRET_BYTES)


def _schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of the first and only message (RFC 9180, 5.1)."""
    ids = _extract(_SUITE, b"", b"psk_id_hash", b"")
    context = _BASE_MODE + ids + _extract(_SUITE, b"", b"info_hash", info)
    secret = _extract(_SUITE, shared, b"secret", b"")
    key = _expand(_SUITE, secret, b"key", context, KEY_BYTES)
    return key, _expand(_SUITE, secret, b"base_nonce", context, _NONCE_BYTES)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    """LabeledExtract of RFC 9180, 4; HKDF's of RFC 5869, 2.2."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, size: int) -> bytes:
    """LabeledExpand, of at most one block of SHA-256, which is all that is asked for here."""
    assert size <= hashlib.sha256().digest_size
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, labelled + b"\x01", "sha256")[:size]
