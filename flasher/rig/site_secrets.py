"""A site's secrets at rest: two open files, or one that is sealed with a passphrase.

Open, they are ``secrets.toml`` and ``signing.key``; sealed, both are in ``secrets.sealed``. A file
goes only when what takes its place is on disk and was read back. Where a power cut left both, the
sealed ones count: the open ones go once they were seen to be the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput, EnvironmentLacks
from flasher.files import sync_folder, write_atomic
from flasher.rig import keyring_store, signing
from flasher.rig.documents import read_bytes
from flasher.rig.vault import LARGEST, Vault, read_vault, seal

SECRETS_FILE, SEALED_FILE = "secrets.toml", "secrets.sealed"
KIND = "secrets"
_PRIVATE = 0o600
_KEYRING, _PUBLIC, _SITE = "keyring", "key", "site"

# Asks for a site's passphrase by the site's name; None where nobody knows it.
Unlock = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, repr=False)
class Lock:
    """How secrets are to rest.

    Attributes:
        passphrase: seals them.
        keyring: the desktop's keyring keeps the passphrase, so that it is not asked for here.
    """

    passphrase: str
    keyring: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """The bytes of the secrets.

    Attributes:
        secrets: of ``secrets.toml``.
        key: of ``signing.key``; None for a site without one.
        lock: they are sealed so; None where they lie open.
    """

    secrets: bytes
    key: bytes | None
    lock: Lock | None = None

    @property
    def files(self) -> dict[str, bytes]:
        """By name, the key first."""
        key = {signing.FILE: self.key} if self.key is not None else {}
        return key | {SECRETS_FILE: self.secrets}


def is_sealed(folder: Path) -> bool:
    """Whether a passphrase is needed."""
    return (folder / SEALED_FILE).exists()


def has_secrets(folder: Path) -> bool:
    """Whether there are any, open or sealed."""
    return is_sealed(folder) or (folder / SECRETS_FILE).exists()


def in_keyring(folder: Path) -> bool:
    """Whether the keyring was given the passphrase."""
    return is_sealed(folder) and _KEYRING in _vault(folder).about


def public_line(folder: Path, name: str) -> str:
    """The public half of the site's key, also of a sealed one; empty where there is no key."""
    if is_sealed(folder):
        return _vault(folder).about.get(_PUBLIC, "")
    signer = signing.load_signer(folder, name)
    return signer.public.line if signer else ""


def read_kept(folder: Path, name: str, unlock: Unlock | None) -> Kept:
    """The secrets of a site, which must be there.

    Raises:
        BadInput: ``site-locked``; ``wrong-passphrase``; ``two-secrets``; what `read_vault` says.
    """
    if not is_sealed(folder):
        key = folder / signing.FILE
        read = read_bytes("site", key) if key.exists() else None
        return Kept(read_bytes("site", folder / SECRETS_FILE), read)
    kept = _unsealed(_vault(folder), name, unlock)
    _finish(folder, kept)
    return kept


def write_kept(folder: Path, name: str, kept: Kept) -> None:
    """Put secrets to rest in a folder that is there; at no moment are they nowhere.

    Raises:
        EnvironmentLacks: ``no-keyring``; nothing was changed.
        BadInput: ``unsealed``, they could not be read back; the old ones are still there.
    """
    if kept.lock is None:
        for file, content in kept.files.items():
            write_atomic(folder / file, content, mode=_PRIVATE)
            paths.hand_over(folder / file)
        _forget(folder)
        _remove(folder / SEALED_FILE)
        _wipe(folder, _drafts(folder))
        return
    former = _keyring_entry(folder)
    write_atomic(folder / SEALED_FILE, _sealed(name, kept, former), mode=_PRIVATE)
    paths.hand_over(folder / SEALED_FILE)
    if _vault(folder).open(kept.lock.passphrase) != kept.files:
        what = f"The locked secrets of {name} do not read back as they were written."
        raise BadInput("unsealed", what, "Try another disk: this one does not keep what it gets.")
    if former and not kept.lock.keyring:
        keyring_store.forget(former)
    _remove_open(folder)


def _sealed(name: str, kept: Kept, former: str) -> bytes:
    """The sealed file; the keyring is told first, as that may fail."""
    assert kept.lock is not None
    about = {_SITE: name}
    if kept.key is not None:
        about[_PUBLIC] = signing.read_signer(kept.key, Path(signing.FILE), name).public.line
    if kept.lock.keyring:
        about[_KEYRING] = former or keyring_store.new_entry(name)
        keyring_store.keep(about[_KEYRING], kept.lock.passphrase)
    return seal(kept.files, kept.lock.passphrase, KIND, about)


def _unsealed(vault: Vault, name: str, unlock: Unlock | None) -> Kept:
    entry = vault.about.get(_KEYRING, "")
    if entry and (known := _asked_keyring(entry)) is not None:
        with suppress(BadInput):  # it may have been changed on another computer
            return _opened(vault, Lock(known, keyring=True))
    passphrase = unlock(name) if unlock else None
    if passphrase is None:
        raise BadInput(
            "site-locked",
            f"The site {name} is locked, and nobody gave its passphrase.",
            "Type it when asked, or hand it over: --unlock-fd 3 3<file.",
        )
    kept = _opened(vault, Lock(passphrase, keyring=bool(entry)))
    if entry:
        with suppress(EnvironmentLacks):
            keyring_store.keep(entry, passphrase)
    return kept


def _opened(vault: Vault, lock: Lock) -> Kept:
    files = vault.open(lock.passphrase)
    return Kept(files[SECRETS_FILE], files.get(signing.FILE), lock)


def _asked_keyring(entry: str) -> str | None:
    try:
        return keyring_store.kept(entry)
    except EnvironmentLacks:  # then the person is asked
        return None


def _vault(folder: Path) -> Vault:
    path = folder / SEALED_FILE
    return read_vault(read_bytes("site", path, LARGEST), str(path))


def _keyring_entry(folder: Path) -> str:
    return _vault(folder).about.get(_KEYRING, "") if is_sealed(folder) else ""


def _forget(folder: Path) -> None:
    if entry := _keyring_entry(folder):
        keyring_store.forget(entry)


def _finish(folder: Path, kept: Kept) -> None:
    """What a power cut left while secrets were sealed, or while they were opened."""
    there = {file for file in (SECRETS_FILE, signing.FILE) if (folder / file).exists()}
    if any((folder / file).read_bytes() != kept.files.get(file) for file in there):
        raise BadInput(
            "two-secrets",
            f"{folder} has locked secrets and open ones, which differ.",
            f"Move {SEALED_FILE} away to use the open ones, or {' and '.join(sorted(there))} to "
            "use the locked ones.",
        )
    _remove_open(folder)


def _remove_open(folder: Path) -> None:
    there = [folder / file for file in (SECRETS_FILE, signing.FILE) if (folder / file).exists()]
    _wipe(folder, _drafts(folder) + there)


def _wipe(folder: Path, files: list[Path]) -> None:
    for path in files:
        # Under this name, a file that is half overwritten is nobody's secrets.
        hidden = path.with_name(f".{path.name.strip('.')}.gone.part")
        path.rename(hidden)
        _overwrite(hidden)
        hidden.unlink()
    sync_folder(folder)


def _drafts(folder: Path) -> list[Path]:
    """What a program was killed over while it wrote open secrets, or while it removed them."""
    files = (SECRETS_FILE, signing.FILE)
    return [path for file in files for path in folder.glob(f".{file}.*.part")]


def _overwrite(path: Path) -> None:
    """Zeros in place; what moves all that is written, as SSDs do, may keep the old bytes."""
    with path.open("r+b", buffering=0) as file:
        file.write(bytes(path.stat().st_size))
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
