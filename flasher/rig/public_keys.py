"""Public SSH keys as people have them: a path, the line itself, or lying about in ``~/.ssh``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.rig.site_text import key_complaint

_LOOKS_LIKE_KEY = re.compile(r"(ssh-|ecdsa-|sk-)\S+ ")
_LARGEST = 64 << 10
_MOST = 100
# NIST SP 800-57, part 1: 112 bits of security, which is what is asked for since 2014.
_LEAST_RSA = 2048
_LEAST_TO_LOG_IN = 1024  # sshd's own default of RequiredRSASize
_FIXED_BITS = {
    "ssh-ed25519": 256,
    "sk-ssh-ed25519@openssh.com": 256,
    "ecdsa-sha2-nistp256": 256,
    "sk-ecdsa-sha2-nistp256@openssh.com": 256,
    "ecdsa-sha2-nistp384": 384,
    "ecdsa-sha2-nistp521": 521,
}
# Which number of the key tells its size: the modulus of RSA, the prime of DSA (RFC 4253, 6.6).
_NUMBER = {"ssh-rsa": 2, "ssh-dss": 1}


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A public key that lies on this computer, as ``ssh-keygen -l`` describes it.

    Attributes:
        path: of its file.
        line: the key itself, in one line.
        kind: such as ``ssh-ed25519``.
        bits: its size; 0 where it cannot be told.
        comment: whose it is; may be empty.
        fingerprint: ``SHA256:…``.
        complaint: why no node takes it; empty for one that can be used.
        warning: why it should be replaced, though nodes take it; empty for a strong one.
    """

    path: Path
    line: str
    kind: str
    bits: int
    comment: str
    fingerprint: str
    complaint: str = ""
    warning: str = ""


def find_public_keys(folder: Path | None = None) -> tuple[FoundKey, ...]:
    """The keys in ``*.pub`` files of a folder, those that can be used and are strong in front.

    Args:
        folder: else ``~/.ssh``, under sudo that of the person who called.

    What is no public key, or cannot be read, is left out.
    """
    found = []
    with suppress(OSError):
        for path in sorted((folder or paths.home() / ".ssh").glob("*.pub"))[:_MOST]:
            if path.is_file():
                with suppress(BadInput):
                    found.append(_described(path, _read(path)))
    told = (key for key in found if key.kind in _FIXED_BITS or key.kind in _NUMBER)
    return tuple(sorted(told, key=lambda key: (bool(key.complaint), bool(key.warning))))


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
    if wrong := _complaint(text):
        raise BadInput("bad-key", "This is no public key that nodes take.", wrong)
    return text


def fingerprint(key: str) -> str:
    """The fingerprint as ``ssh-keygen -l`` shows it: ``SHA256:…``; RFC 4253 names the blob."""
    blob = _blob(key)
    if not blob:
        return "unreadable key"
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def key_warning(key: str) -> str:
    """Why a key that nodes take should be replaced, in a sentence; empty for a strong one."""
    bits = _bits(key)
    weak = key.startswith("ssh-rsa ") and 0 < bits < _LEAST_RSA
    return f"RSA with {bits} bits is weak: make one with ssh-keygen -t ed25519." if weak else ""


def _described(path: Path, line: str) -> FoundKey:
    kind, _, rest = line.partition(" ")
    return FoundKey(
        path=path,
        line=line,
        kind=kind,
        bits=_bits(line),
        comment="".join(c for c in rest.partition(" ")[2].strip() if c.isprintable()),
        fingerprint=fingerprint(line),
        complaint=_complaint(line) or "",
        warning=key_warning(line),
    )


def _complaint(line: str) -> str | None:
    if line.startswith("ssh-dss "):
        return "DSA is too weak, and nodes refuse it: make one with ssh-keygen -t ed25519."
    bits = _bits(line)
    if line.startswith("ssh-rsa ") and 0 < bits < _LEAST_TO_LOG_IN:
        return f"RSA with {bits} bits lets nobody in: make one with ssh-keygen -t ed25519."
    return key_complaint(line)


def _bits(line: str) -> int:
    kind = line.partition(" ")[0]
    if kind not in _NUMBER:
        return _FIXED_BITS.get(kind, 0)
    strings = _strings(_blob(line))
    place = _NUMBER[kind]
    return int.from_bytes(strings[place]).bit_length() if len(strings) > place else 0


def _blob(line: str) -> bytes:
    try:
        return base64.b64decode(line.split()[1], validate=True)
    except (IndexError, ValueError, binascii.Error):
        return b""


def _strings(blob: bytes) -> list[bytes]:
    """The strings that a blob is made of, each behind its length (RFC 4251, 5)."""
    strings = []
    while len(blob) >= 4:
        end = 4 + int.from_bytes(blob[:4])
        strings.append(blob[4:end])
        blob = blob[end:]
    return strings


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInput(
            "bad-key", f"{path} cannot be read: {reason}.", "Name a .pub file, or paste the key."
        ) from error
