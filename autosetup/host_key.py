"""SSH keys that a payload brings: of a host, known before it is there, and of a user.

One is the body of OpenSSH's own file for a private Ed25519 key without passphrase: its base64 text
in one line. Source: PROTOCOL.key of OpenSSH.
"""

from __future__ import annotations

import base64
import binascii


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


_MAGIC = b"openssh-key-v1\0"
# No cipher, no way to derive its key, nothing for that; one key.
_PLAIN = _string(b"none") + _string(b"none") + _string(b"") + (1).to_bytes(4, "big")
_KIND = b"ssh-ed25519"
_PUBLIC_SIZE = 32
_WIDTH = 70
_BLOCK = 8


def public_line(body: str) -> str | None:
    """The public key as ``ssh-ed25519 base64``; None where the body is no such key."""
    try:
        blob = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    head = _MAGIC + _PLAIN
    size = len(_string(_KIND)) + len(_string(bytes(_PUBLIC_SIZE)))
    public = blob[len(head) + 4 :][:size]
    start = head + size.to_bytes(4, "big") + _string(_KIND) + _PUBLIC_SIZE.to_bytes(4, "big")
    if not blob.startswith(start) or len(blob) < len(start) + 2 * _PUBLIC_SIZE:
        return None
    return f"{_KIND.decode()} {base64.b64encode(public).decode()}"


def key_body(seed: bytes, public: bytes) -> str:
    """The body for a key: its seed and its public half, 32 bytes each; the same give the same."""
    pair = _string(_KIND) + _string(public)
    # Two equal numbers that tell whether a cipher was undone; a comment; up to whole blocks.
    private = bytes(8) + pair + _string(seed + public) + _string(b"")
    private += bytes(range(1, 1 + -len(private) % _BLOCK))
    return base64.b64encode(_MAGIC + _PLAIN + _string(pair) + _string(private)).decode()


def key_lines(body: str) -> list[str]:
    """The lines that the body has in OpenSSH's file."""
    return [body[at : at + _WIDTH] for at in range(0, len(body), _WIDTH)]


def private_file(body: str) -> bytes:
    """The bytes of OpenSSH's file."""
    lines = key_lines(body)
    ends = [f"-----{word} OPENSSH PRIVATE KEY-----" for word in ("BEGIN", "END")]
    return "".join(f"{line}\n" for line in (ends[0], *lines, ends[1])).encode()
