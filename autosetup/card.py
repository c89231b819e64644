"""The payload's folder on the card: where it is, whose it is, and its secrets after use."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.manifest import MANIFEST, read_manifest
from autosetup.manifest import record as record_of
from autosetup.outlets import Outlets
from autosetup.payload import FOLDER
from autosetup.record import Record
from autosetup.scrub import is_erased, scrub, wipe_free
from autosetup.secrets_file import SECRETS
from autosetup.system import System

BOOT_FOLDERS = ("/boot/firmware", "/boot")


def find_card(system: System) -> Path | None:
    """The payload's folder on the boot partition, wherever this system mounts it.

    One that cannot be looked at counts as there: whoever reads it learns why.
    """
    for folder in (system.path(f"{boot}/{FOLDER}") for boot in BOOT_FOLDERS):
        try:
            if stat.S_ISDIR(folder.stat().st_mode):
                return folder
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return folder
    return None


def missing_boot(system: System) -> str | None:
    """Where /etc/fstab wants the boot partition, if nothing is mounted there."""
    lines = (
        line.split() for line in system.read("/etc/fstab").decode(errors="replace").split("\n")
    )
    wanted = [words[1] for words in lines if len(words) > 1 and not words[0].startswith("#")]
    places = (place for place in wanted if place in BOOT_FOLDERS)
    return next((place for place in places if not system.path(place).is_mount()), None)


def mount_boot(system: System) -> None:
    """Mount the boot partition of a running system whose card came too late for it to do so."""
    if system.booted and (place := missing_boot(system)):
        system.run(["mount", place])


def digest_of(manifest: bytes) -> str:
    """What tells one payload from another: SHA-256 (hex) of its manifest."""
    return hashlib.sha256(manifest).hexdigest()


def scrub_card(outlets: Outlets, record: Record) -> None:
    """Erase the card's secrets, if no run will ask for them any more.

    They are of the payload in force, perhaps as a person edited it, of the one that fell, or of an
    older one. Where a person typed them, copies that the editor left go too.
    """
    card = outlets.card
    if card is None or not _is_spent(_bytes_of(card / MANIFEST), record):
        return
    try:
        if is_erased(card / SECRETS):
            return
        with outlets.writing():
            if _are_typed(card):
                wipe_free(card.parent)
            scrub(card / SECRETS)
    except OSError as error:
        outlets.log(f"The secrets on the card could not be erased: {error.strerror}.")
    except AgentError as error:
        outlets.log(str(error))


def _is_spent(manifest: bytes, record: Record) -> bool:
    if digest_of(manifest) in (record.digest, record.newest[1]):
        return True
    try:
        found = read_manifest(manifest)
    except Faulty:
        return False
    return found.card_id == record.status.card_id or found.generation < record.newest[0]


def _are_typed(card: Path) -> bool:
    """Whether the secrets are not those that the card was written with."""
    written = read_manifest(_bytes_of(card / MANIFEST)).files.get(SECRETS)
    return written != record_of((card / SECRETS).read_bytes())


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
