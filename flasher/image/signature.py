"""Signatures of release sets: Ed25519 over ``SHA256SUMS``, from `flasher build-base --sign`.

Keys that this computer trusts lie in ``release-keys`` beside its sites, as ``*.pub``: in OpenSSL's
form, PEM, or in OpenSSH's. A key that lies beside an image proves nothing and is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flasher import paths
from flasher.errors import BadInput

if TYPE_CHECKING:  # only a signed set needs it, and it takes long to load
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNED_SUMS, _SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"


def key_folder() -> Path:
    """Where the keys are that this computer trusts."""
    return paths.data() / "release-keys"


def check_signature(folder: Path) -> bool:
    """Check the signature of a folder's release sets, if there is one and a key to judge it by.

    Returns:
        whether there are both: then ``SHA256SUMS`` is as its maker, who is trusted, signed it.

    Raises:
        BadInput: ``signature-wrong``, or ``key-unknown`` where a trusted key cannot be read.
    """
    sums, signature = folder / SIGNED_SUMS, folder / _SIGNATURE
    keys = sorted(key_folder().glob("*.pub")) if key_folder().is_dir() else []
    if not keys or not signature.is_file():
        return False
    if not sums.is_file() or not _made(_keys(keys), signature.read_bytes(), sums.read_bytes()):
        raise BadInput(
            "signature-wrong",
            f"{signature} was made by no key that this computer trusts, "
            f"or {SIGNED_SUMS} was changed.",
            f"Get the set again; or put its maker's key into {key_folder()}, if you trust it.",
        )
    return True


def _made(keys: Iterator[Ed25519PublicKey], signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    for key in keys:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            continue
        return True
    return False


def _keys(paths_of_keys: list[Path]) -> Iterator[Ed25519PublicKey]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_public_key,
        load_ssh_public_key,
    )

    for path in paths_of_keys:
        raw = path.read_bytes()
        load = load_ssh_public_key if raw.startswith(b"ssh-") else load_pem_public_key
        try:
            key = load(raw)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            what = f"{path} is no public Ed25519 key."
            raise BadInput("key-unknown", what, "Put the right one there, or take it away.")
        yield key
