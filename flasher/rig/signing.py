"""A site's key: it signs the payload of each card, so that nodes know whose card they got.

It lies beside the site's secrets, in a file of its own in OpenSSH's form; no card gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from autosetup.manifest import MANIFEST, SIGNATURE, SITE_KEY
from autosetup.site_key import SiteKey
from flasher import paths
from flasher.files import write_atomic
from flasher.keys import parse_private_key, read_private_key

FILE = "signing.key"
_HINT = "Put the site's own key back: nodes that are set up trust no other."


@dataclass(frozen=True, slots=True, repr=False)
class SiteSigner:
    """A site's private key at work; it shows no secret.

    Attributes:
        name: of the site, which the public half carries.
    """

    key: Ed25519PrivateKey
    name: str

    @property
    def public(self) -> SiteKey:
        """What nodes trust."""
        return SiteKey(self.key.public_key().public_bytes_raw(), self.name)

    def derived(self, purpose: str, size: int = 32) -> bytes:
        """Secret bytes for one purpose, made of the key alone: the same ones each time.

        Args:
            purpose: such as ``flasher site authority 1``; other words, other bytes.
            size: in bytes, 1 to 8160 (RFC 5869).
        """
        raw = self.key.private_bytes_raw()
        return HKDF(hashes.SHA256(), size, None, purpose.encode()).derive(raw)

    def seal(self, payload: Mapping[str, bytes]) -> dict[str, bytes]:
        """A payload's files with the signature over its manifest, and the key to check it with."""
        line = f"{self.public.line}\n".encode()
        return {**payload, SIGNATURE: self.key.sign(payload[MANIFEST]), SITE_KEY: line}


def load_signer(folder: Path, name: str) -> SiteSigner | None:
    """The key of the site in a folder; None where it has none.

    Raises:
        BadInput: ``key-unreadable``, ``key-locked``, ``key-unknown``.
    """
    path = folder / FILE
    return SiteSigner(read_private_key(path, _HINT), name) if path.exists() else None


def read_signer(raw: bytes, path: Path, name: str) -> SiteSigner:
    """The key in the bytes of a site's key file; raises as `load_signer`."""
    return SiteSigner(parse_private_key(raw, path, _HINT), name)


def new_key() -> bytes:
    """The file of a new key, which is nobody's yet."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def make_signer(folder: Path, name: str) -> SiteSigner:
    """Make the key of a site that has none; only its owner may read it."""
    raw = new_key()
    write_atomic(folder / FILE, raw, mode=0o600)
    paths.hand_over(folder / FILE)
    return read_signer(raw, folder / FILE, name)
