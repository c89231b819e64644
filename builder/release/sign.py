"""Sign checksums with Ed25519; whoever has the public key can check the whole set with OpenSSL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flasher.events import Emit, Noted
from flasher.keys import others_may_read, read_private_key

if TYPE_CHECKING:  # only signing needs it, and it takes long to load
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
    key = read_private_key(path, _HINT)
    if others_may_read(path):
        what = f"Others may read the key {path}: run chmod 600 on it."
        emit(Noted("build", what, warning=True))
    return Signer(key)
