"""The payload's folder on the card: where it is, whose it is, and its secrets after use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.manifest import MANIFEST, read_manifest
from autosetup.payload import FOLDER
from autosetup.scrub import scrub
from autosetup.secrets_file import SECRETS
from autosetup.system import System

BOOT_FOLDERS = ("/boot/firmware", "/boot")


def find_card(system: System) -> Path | None:
    """The payload's folder on the boot partition, wherever this system mounts it."""
    folders = (system.path(f"{boot}/{FOLDER}") for boot in BOOT_FOLDERS)
    return next((folder for folder in folders if folder.is_dir()), None)


def missing_boot(system: System) -> str | None:
    """Where /etc/fstab wants the boot partition, if nothing is mounted there."""
    lines = (
        line.split() for line in system.read("/etc/fstab").decode(errors="replace").split("\n")
    )
    wanted = [words[1] for words in lines if len(words) > 1 and not words[0].startswith("#")]
    places = (place for place in wanted if place in BOOT_FOLDERS)
    return next((place for place in places if not system.path(place).is_mount()), None)


def digest_of(manifest: bytes) -> str:
    """What tells one payload from another: SHA-256 (hex) of its manifest."""
    return hashlib.sha256(manifest).hexdigest()


def scrub_card(
    card: Path | None, digests: Collection[str], card_id: str | None, log: Callable[[str], None]
) -> None:
    """Erase the card's secrets, if they are those of a payload that was applied.

    Args:
        card: the payload's folder; None where there is none.
        digests: of such payloads.
        card_id: of the one in force, which may have been edited since the card was written.
        log: takes what went wrong.
    """
    if card is None or not _is_of(_bytes_of(card / MANIFEST), digests, card_id):
        return
    try:
        scrub(card / SECRETS)
    except OSError as error:
        log(f"The secrets on the card could not be erased: {error.strerror}.")
    except AgentError as error:
        log(str(error))


def _is_of(manifest: bytes, digests: Collection[str], card_id: str | None) -> bool:
    if digest_of(manifest) in digests:
        return True
    try:
        return read_manifest(manifest).card_id == card_id
    except Faulty:
        return False


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
