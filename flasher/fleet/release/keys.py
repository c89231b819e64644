"""The keys of a repository: those that rest sealed, and may be taken away, and the two at work.

``root-1.vault`` … and ``targets.vault`` are sealed with a passphrase; ``snapshot.key`` and
``timestamp.key`` are open, for their owner alone: they vouch for nothing but what is newest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.keys import parse_private_key, read_private_key
from flasher.rig.signing import SiteSigner, new_key
from flasher.rig.vault import read_vault, seal

ONLINE = ("snapshot", "timestamp")
KIND = "release-key"
_SEALED, _OPEN, _INSIDE = ".vault", ".key", "key"
_HINT = "Take the one that `flasher release init` made, or a copy of it."

Passphrase = Callable[[], str]


def make_online(folder: Path, role: str) -> CryptoSigner:
    """A new key that works without a passphrase."""
    path = folder / f"{role}{_OPEN}"
    raw = new_key()
    write_atomic(path, raw, mode=0o600)
    paths.hand_over(path)
    return CryptoSigner(parse_private_key(raw, path, _HINT))


def make_offline(folder: Path, name: str, repository: str, passphrase: str) -> CryptoSigner:
    """A new key that rests sealed.

    Args:
        folder: where its file goes.
        name: ``root-1``, ``targets``, …
        repository: its name, for whoever finds the file.
        passphrase: that opens it.
    """
    raw, path = new_key(), folder / f"{name}{_SEALED}"
    about = {"repository": repository, "key": name}
    write_atomic(path, seal({_INSIDE: raw}, passphrase, KIND, about), mode=0o600)
    paths.hand_over(path)
    return CryptoSigner(parse_private_key(raw, path, _HINT))


def online(folder: Path, wanted: Sequence[str], role: str) -> CryptoSigner:
    """The key at work for ``snapshot`` or ``timestamp``.

    Args:
        folder: where it lies.
        wanted: ids of the keys that count.
        role: of the two.

    Raises:
        BadInput: ``key-unreadable``, ``key-locked``, ``key-unknown``; ``no-release-key``.
    """
    if signer := online_or_none(folder, wanted, role):
        return signer
    what = f"{folder} has no {role} key of this repository."
    hint = (
        "Copy it from the computer that has it; if it is lost: flasher release root"
        " --replace online."
    )
    raise BadInput("no-release-key", what, hint)


def online_or_none(folder: Path, wanted: Sequence[str], role: str) -> CryptoSigner | None:
    """The same; None where it is gone. Raises `BadInput` for one that cannot be read."""
    for path in sorted(folder.glob(f"{role}*{_OPEN}")):
        signer = CryptoSigner(read_private_key(path, _HINT))
        if signer.public_key.keyid in wanted:
            return signer
    return None


def offline(
    folder: Path, prefix: str, wanted: Sequence[str], passphrase: Passphrase
) -> list[CryptoSigner]:
    """The sealed keys in a folder that metadata wants.

    Args:
        folder: where they lie now, maybe a stick.
        prefix: of their files' names, ``root`` or ``targets``.
        wanted: ids of the keys that count.
        passphrase: asked for once, if there is anything to open.

    Raises:
        BadInput: ``wrong-passphrase``; ``no-release-key``, no such file is there, or none of a key
            that counts.
    """
    files = sorted(folder.glob(f"{prefix}*{_SEALED}"))
    secret = passphrase() if files else ""
    signers = [signer for file in files if (signer := _opened(file, secret))]
    if files and not signers:
        what = "This passphrase opens none of the keys."
        raise BadInput("wrong-passphrase", what, "Mind capitals, and type it again.")
    found = [signer for signer in signers if signer.public_key.keyid in wanted]
    if not found:
        what = f"{folder} has no {prefix} key of this repository."
        raise BadInput("no-release-key", what, "Say where the keys lie: --keys FOLDER.")
    return found


def offline_or_none(
    folder: Path, prefix: str, wanted: Sequence[str], passphrase: Passphrase
) -> list[CryptoSigner]:
    """The same; empty where they are gone. Raises `BadInput` ``wrong-passphrase``."""
    try:
        return offline(folder, prefix, wanted, passphrase)
    except BadInput as error:
        if error.code != "no-release-key":
            raise
        return []


def _opened(path: Path, passphrase: str) -> CryptoSigner | None:
    vault = read_vault(path.read_bytes(), str(path))
    if vault.kind != KIND:
        return None
    try:
        raw = vault.open(passphrase)[_INSIDE]
    except BadInput as error:
        if error.code != "wrong-passphrase":
            raise
        return None
    return CryptoSigner(parse_private_key(raw, path, _HINT))


def site_signer(signer: SiteSigner) -> CryptoSigner:
    """A site's own key as one that signs metadata."""
    return CryptoSigner(signer.key)


def role_signer(signer: SiteSigner, role: str) -> CryptoSigner:
    """The key for the nodes of a scanner's role, computed from the site's own."""
    info = f"release key of {signer.name}/{role}".encode()
    seed = HKDF(SHA256(), 32, salt=None, info=info).derive(signer.key.private_bytes_raw())
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(seed))
