"""Secrets erased where they lie: overwritten in place, so that no cluster keeps a byte of them."""

from __future__ import annotations

import os
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.secrets_file import is_redacted, redacted


def scrub(path: Path) -> bool:
    """Overwrite a secrets file in place with a sentence of the same length, and read it back.

    A new file under the old name would leave the old clusters as they were. Returns whether there
    was anything to erase.

    Raises:
        AgentError: ``scrub-failed``, the medium gave back something else.
        OSError: the medium cannot be written.
    """
    if not path.exists() or _is_clean(path.read_bytes()):
        return False
    with path.open("r+b", buffering=0) as handle:
        size = os.fstat(handle.fileno()).st_size
        handle.write(redacted(size))
        os.fsync(handle.fileno())
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        handle.seek(0)
        if handle.read() != redacted(size):
            raise AgentError(
                "scrub-failed", f"{path} still holds secrets.", "Destroy or reformat the card."
            )
    return True


def _is_clean(raw: bytes) -> bool:
    return not raw or (is_redacted(raw) and raw == redacted(len(raw)))


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """A text with every secret replaced; the longest first, as one may be part of another."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "<secret>")
    return text
