"""Secrets erased where they lie: overwritten in place, so that no cluster keeps a byte of them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.secrets_file import is_redacted, redacted
from autosetup.system import sync_folder

_PIECE = 1 << 20
# Those of Raspberry Pis have half of it.
_MOST = 1 << 30


def scrub(path: Path) -> bool:
    """Overwrite a secrets file in place with a sentence of the same length, and read it back.

    A new file under the old name would leave the old clusters as they were. Returns whether there
    was anything to erase.

    Raises:
        AgentError: ``scrub-failed``, the medium gave back something else.
        OSError: the medium cannot be written.
    """
    if is_erased(path):
        return False
    raw = path.read_bytes()
    # Zeros at the end of what is erased are of an erasing that was cut short.
    size = len(raw.rstrip(b"\0") if is_redacted(raw) else raw)
    overwrite(path, redacted(size))
    return True


def is_erased(path: Path) -> bool:
    """Whether there is nothing to erase, or no longer."""
    raw = path.read_bytes() if path.exists() else b""
    return not raw or (is_redacted(raw) and raw == redacted(len(raw)))


def overwrite(path: Path, data: bytes) -> None:
    """Put other bytes of the same length in a file's place on the medium, and read them back.

    What is left of the file's last cluster is overwritten too: an editor may have cut the file
    short. Raises as `scrub` does.
    """
    cluster = os.statvfs(path).f_bsize
    with path.open("r+b", buffering=0) as handle:
        handle.write(data)
        os.fsync(handle.fileno())
        handle.write(bytes(-len(data) % cluster))
        os.fsync(handle.fileno())
        handle.truncate(len(data))
        os.fsync(handle.fileno())
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        handle.seek(0)
        if handle.read() != data:
            raise AgentError(
                "scrub-failed", f"{path} still holds secrets.", "Destroy or reformat the card."
            )


def wipe_free(folder: Path) -> None:
    """Overwrite what no file of a boot partition uses: editors leave old copies of files there.

    What fsck.fat collected of such clusters goes, too. A power cut leaves a file of zeros, which
    the next call takes over. Only a partition of its own is filled, and never with more than a boot
    partition holds. Raises `OSError` where it cannot be written.
    """
    if not folder.is_mount():
        return
    for lost in folder.glob("FSCK[0-9]*.REC"):
        lost.unlink()
    path = folder / ".autosetup-zeros"
    try:
        with path.open("wb", buffering=0) as handle:
            _fill(handle.fileno())
            os.fsync(handle.fileno())
    finally:
        path.unlink(missing_ok=True)
        sync_folder(folder)


def _fill(descriptor: int) -> None:
    """Write zeros until there is no room left."""
    left = _MOST
    try:
        while left > 0:
            left -= os.write(descriptor, bytes(_PIECE))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """A text with every secret replaced; the longest first, as one may be part of another."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "<secret>")
    return text
