"""Private Ed25519 keys in files, in OpenSSL's form (PEM, PKCS#8) or OpenSSH's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flasher.errors import BadInput

if TYPE_CHECKING:  # only signing needs it, and it takes long to load
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OTHERS = 0o077


def read_private_key(path: Path, hint: str) -> Ed25519PrivateKey:
    """Read a key without a passphrase.

    Args:
        path: of its file.
        hint: where such a key comes from, for people.

    Raises:
        BadInput: ``key-unreadable``, ``key-locked``, ``key-unknown``.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"The key {path} cannot be read: {error.strerror}."
        raise BadInput("key-unreadable", what, hint) from None
    return parse_private_key(raw, path, hint)


def parse_private_key(raw: bytes, path: Path, hint: str) -> Ed25519PrivateKey:
    """The key in the bytes of a file; raises as `read_private_key`, to which the rest belongs."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    load = load_ssh_private_key if b"BEGIN OPENSSH" in raw else load_pem_private_key
    try:
        key = load(raw, None)
    except TypeError:
        what = f"The key {path} is locked with a passphrase."
        raise BadInput(
            "key-locked", what, "Use one that is not; a safe folder guards it."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput("key-unknown", f"{path} is no private key.", hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput("key-unknown", f"{path} is no Ed25519 key.", hint)
    return key


def others_may_read(path: Path) -> bool:
    """Whether anybody but its owner has a right to a key's file."""
    return bool(path.stat().st_mode & _OTHERS)
