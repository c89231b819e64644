"""Public SSH keys as people have them: a path, or the line itself."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path

from flasher.errors import BadInput
from flasher.rig.site import key_complaint

_LOOKS_LIKE_KEY = re.compile(r"(ssh-|ecdsa-|sk-)\S+ ")


def read_public_key(typed: str) -> str:
    """The key in one line, from what was typed: the key, or the path of its ``.pub`` file.

    Raises:
        BadInput: the file cannot be read, or this is no public key.
    """
    text = typed.strip()
    if not _LOOKS_LIKE_KEY.match(text):
        text = _read(Path(text).expanduser())
    if "PRIVATE KEY" in text:
        raise BadInput(
            "private-key", "This is the private half, which stays with you.", "Name the .pub file."
        )
    if wrong := key_complaint(text):
        raise BadInput("bad-key", "This is no public key.", wrong)
    return text


def fingerprint(key: str) -> str:
    """The fingerprint as ``ssh-keygen -l`` shows it: ``SHA256:…``; RFC 4253 names the blob."""
    try:
        blob = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return "unreadable key"
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInput(
            "bad-key", f"{path} cannot be read: {reason}.", "Name a .pub file, or paste the key."
        ) from error
