"""Sign checksums with Ed25519; whoever has the public key can check the whole set with OpenSSL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flasher.errors import BadInput
from flasher.events import Emit, Noted

if TYPE_CHECKING:  # only signing needs it, and it takes long to load
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OTHERS = 0o077
_HINT = "Make one with: openssl genpkey -algorithm ed25519 -out release.key"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key at work; it shows no secret."""

    key: Ed25519PrivateKey

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 bytes; the same data always gets the same one."""
        return self.key.sign(data)

    def made(self, signature: bytes, data: bytes) -> bool:
        """Whether this key made the signature of these data."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.public_key().verify(signature, data)
        except InvalidSignature:
            return False
        return True


def load_signer(path: Path, emit: Emit) -> Signer:
    """Read a private key, PEM (PKCS#8) or OpenSSH's form, without a passphrase.

    Args:
        emit: hears a warning where others may read the file.

    Raises:
        BadInput: it cannot be read, is locked, or is of another kind.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    raw = _read(path, emit)
    load = load_ssh_private_key if b"BEGIN OPENSSH" in raw else load_pem_private_key
    try:
        key = load(raw, None)
    except TypeError:
        what = f"The key {path} is locked with a passphrase."
        raise BadInput(
            "key-locked", what, "Use one that is not; a safe folder guards it."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput("key-unknown", f"{path} is no private key.", _HINT) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput("key-unknown", f"{path} is no Ed25519 key.", _HINT)
    return Signer(key)


def _read(path: Path, emit: Emit) -> bytes:
    try:
        raw = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        what = f"The key {path} cannot be read: {error.strerror}."
        raise BadInput("key-unreadable", what, _HINT) from None
    if mode & _OTHERS:
        what = f"Others may read the key {path}: run chmod 600 on it."
        emit(Noted("build", what, warning=True))
    return raw
