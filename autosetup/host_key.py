"""An SSH host key that the payload brings, so that people know it before the node is there.

It is the body of OpenSSH's own file for a private Ed25519 key without passphrase: its base64 text
in one line. Source: PROTOCOL.key of OpenSSH.
"""

from __future__ import annotations

import base64
import binascii

_MAGIC = b"openssh-key-v1\0"
_KIND = b"ssh-ed25519"
_PUBLIC_SIZE = 32
_WIDTH = 70


def public_line(body: str) -> str | None:
    """The public key as ``ssh-ed25519 base64``; None where the body is no such key."""
    try:
        blob = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    # No cipher, no way to derive its key, nothing for that; one key.
    head = _MAGIC + _string(b"none") + _string(b"none") + _string(b"") + (1).to_bytes(4, "big")
    size = len(_string(_KIND)) + len(_string(bytes(_PUBLIC_SIZE)))
    public = blob[len(head) + 4 :][:size]
    start = head + size.to_bytes(4, "big") + _string(_KIND) + _PUBLIC_SIZE.to_bytes(4, "big")
    if not blob.startswith(start) or len(blob) < len(start) + 2 * _PUBLIC_SIZE:
        return None
    return f"{_KIND.decode()} {base64.b64encode(public).decode()}"


def private_file(body: str) -> bytes:
    """The bytes of OpenSSH's file."""
    lines = [body[at : at + _WIDTH] for at in range(0, len(body), _WIDTH)]
    ends = [f"-----{word} OPENSSH PRIVATE KEY-----" for word in ("BEGIN", "END")]
    return "".join(f"{line}\n" for line in (ends[0], *lines, ends[1])).encode()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
