"""Whose cards a node trusts: a site's Ed25519 key, as OpenSSH writes public keys.

One line, ``ssh-ed25519 base64 comment``, so that people can compare what ``ssh-keygen -lf`` shows.
Signatures are checked by the system's python3-cryptography, loaded only for that.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from autosetup import forms
from autosetup.errors import AgentError
from autosetup.faults import Fault, Faulty
from autosetup.strict import decode

KIND = "ssh-ed25519"
_SIZE = 32
_LONGEST_COMMENT = 64
_ASK = "Give the line that `flasher site key` prints."


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A public key: 32 bytes, and whose it is; two with the same bytes are equal."""

    raw: bytes
    comment: str = field(default="", compare=False)

    @property
    def line(self) -> str:
        """As it stands in a file, without the line's end."""
        encoded = base64.b64encode(_blob(self.raw)).decode()
        return " ".join(filter(None, (KIND, encoded, self.comment)))

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``, as ``ssh-keygen -lf`` shows it."""
        digest = hashlib.sha256(_blob(self.raw)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    def __str__(self) -> str:
        return " ".join(filter(None, (self.fingerprint, self.comment)))

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Whether a signature (64 bytes) of these exact bytes was made with the private half.

        Raises:
            AgentError: ``no-verifier``, this system cannot check it.
        """
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError as error:
            what = f"The image cannot check signatures: {error}."
            remedy = "Add the package python3-cryptography to the recipe of the image."
            raise AgentError("no-verifier", what, remedy) from None
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except (InvalidSignature, ValueError):  # the latter for bytes that are no key at all
            return False
        return True


def read_keys(file: str, raw: bytes) -> tuple[SiteKey, ...]:
    """The keys of a file, one a line; empty lines and those that begin with ``#`` are left out.

    Raises:
        Faulty: a line is no such key, or there is none.
    """
    lines = [line.strip() for line in decode(file, raw).splitlines()]
    keys, faults = [], []
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if wrong := _complaint(line):
            faults.append(Fault(file, number, 1, "This is no public Ed25519 key.", wrong))
        else:
            keys.append(_key(line))
    if not keys and not faults:
        faults.append(Fault(file, 0, 0, "There is no key in it.", _ASK))
    if faults:
        raise Faulty(faults if keys else faults[:1])  # another kind of file is so in every line
    return tuple(keys)


def _complaint(line: str) -> str | None:
    kind, *rest = line.split()
    if kind != KIND and "PRIVATE KEY" not in line:
        return _ASK
    if wrong := forms.authorized_key_complaint(line):
        return wrong
    return None if len(base64.b64decode(rest[0])) == len(_blob(bytes(_SIZE))) else _ASK


def _key(line: str) -> SiteKey:
    _, encoded, *rest = line.split(None, 2)
    comment = "".join(c for c in " ".join(rest) if c.isprintable())
    return SiteKey(base64.b64decode(encoded)[-_SIZE:], comment[:_LONGEST_COMMENT])


def _blob(raw: bytes) -> bytes:
    """The key as the protocol sends it (RFC 8709, 4)."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in (KIND.encode(), raw))
