"""Files sealed with a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals them.

One JSON object, which any program can read without the passphrase as far as it is not secret::

    {"flasher-vault": 1, "kind": "secrets", "about": {"site": "studio"},
     "kdf": {"name": "scrypt", "n": 131072, "r": 8, "p": 1, "salt": "…"}, "nonce": "…",
     "sealed": "…", "check": "…"}

Bytes are in base64. `sealed` is a JSON object of the files by name, each in base64, encrypted. All
that stands before it, as JSON with sorted keys and no blanks, is the associated data: none of it
can be changed unnoticed. `check` is the SHA-256 of all the rest, so that damage is told from a
wrong passphrase.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from flasher.errors import BadInput, EnvironmentLacks

VERSION = 1
LARGEST = 64 << 20
_MARK = "flasher-vault"
_SALT, _NONCE, _KEY = 16, 12, 32
# OWASP's first choice: 128 MiB and about half a second, for whoever guesses, too.
_N, _R, _P = 1 << 17, 8, 1
# What a file may ask of this computer.
_MOST_MEMORY = 512 << 20
_MOST_R, _MOST_P = 32, 4
_ANOTHER = "Name the file that `flasher site export` made."


@dataclass(frozen=True, slots=True)
class Vault:
    """A sealed file as anybody can read it.

    Attributes:
        kind: what is in it: ``secrets`` of a site, or a whole ``site``.
        about: what is not secret; proven only once the vault was opened.
    """

    kind: str
    about: Mapping[str, str]
    _header: Mapping[str, object] = field(repr=False)
    _sealed: bytes = field(repr=False)

    def open(self, passphrase: str) -> dict[str, bytes]:
        """The files that were sealed, by name.

        Raises:
            BadInput: ``wrong-passphrase``; ``vault-damaged``.
            EnvironmentLacks: ``no-memory``.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt, nonce, cost = _read_kdf(self._header)
        cipher = AESGCM(_derive(passphrase, salt, cost))
        try:
            plain = cipher.decrypt(nonce, self._sealed, _canonical(self._header))
        except InvalidTag:
            raise _wrong() from None
        return _unpacked(plain)


def seal(files: Mapping[str, bytes], passphrase: str, kind: str, about: Mapping[str, str]) -> bytes:
    """Seal files; each call gives other bytes, as salt and nonce are new.

    Args:
        files: by name.
        passphrase: not empty; composed and decomposed letters are the same (Unicode, NFC).
        kind, about: what everybody may read, see `Vault`.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    kdf = {"name": "scrypt", "n": _N, "r": _R, "p": _P, "salt": _text(salt)}
    header: dict[str, object] = {_MARK: VERSION, "kind": kind, "about": dict(about)}
    header |= {"kdf": kdf, "nonce": _text(nonce)}
    plain = _canonical({name: _text(content) for name, content in files.items()})
    cipher = AESGCM(_derive(passphrase, salt, (_N, _R, _P)))
    body = header | {"sealed": _text(cipher.encrypt(nonce, plain, _canonical(header)))}
    whole = body | {"check": hashlib.sha256(_canonical(body)).hexdigest()}
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def read_vault(raw: bytes, what: str) -> Vault:
    """Read what is not sealed.

    Args:
        raw: the file.
        what: its place, for people.

    Raises:
        BadInput: ``not-a-vault``; ``vault-too-new``; ``vault-damaged``, it was cut or changed.
    """
    looks_like_one = raw[:200].lstrip(b"\xef\xbb\xbf \r\n\t{").startswith(f'"{_MARK}"'.encode())
    if not looks_like_one:
        raise BadInput("not-a-vault", f"{what} is none of Flasher's sealed files.", _ANOTHER)
    try:
        whole = json.loads(raw.decode("utf-8-sig"))
        version, kind, about = whole[_MARK], whole["kind"], whole["about"]
        check, sealed = whole.pop("check"), _bytes(whole["sealed"])
        digest = hashlib.sha256(_canonical(whole)).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(what) from None
    if version != VERSION:
        told = f"{what} was made by a newer Flasher."
        raise BadInput("vault-too-new", told, "Bring this Flasher up to date, then try again.")
    sound = isinstance(kind, str) and isinstance(about, dict) and check == digest
    if not sound or not all(isinstance(text, str) for text in about.values()):
        raise _damaged(what)
    header = {name: value for name, value in whole.items() if name != "sealed"}
    _read_kdf(header, what)
    return Vault(kind, about, header, sealed)


def _wrong() -> BadInput:
    return BadInput(
        "wrong-passphrase",
        "This passphrase does not open it.",
        "Mind capitals and the keyboard's language, and type it again.",
    )


def _damaged(what: str) -> BadInput:
    return BadInput(
        "vault-damaged",
        f"{what} was cut short or changed since it was made: nothing is taken from it.",
        "Copy it again from where it came from, or take the backup.",
    )


def _read_kdf(
    header: Mapping[str, object], what: str = "It"
) -> tuple[bytes, bytes, tuple[int, int, int]]:
    """Salt, nonce and costs, within bounds."""
    kdf, nonce = header.get("kdf"), _bytes_or_none(header.get("nonce"))
    if not isinstance(kdf, dict) or kdf.get("name") != "scrypt" or nonce is None:
        raise _damaged(what)
    n, r, p, salt = kdf.get("n"), kdf.get("r"), kdf.get("p"), _bytes_or_none(kdf.get("salt"))
    if not (type(n) is int and type(r) is int and type(p) is int) or salt is None:
        raise _damaged(what)
    has_form = n >= 2 and n & (n - 1) == 0 and 1 <= r <= _MOST_R and 1 <= p <= _MOST_P
    if not has_form or 128 * n * r > _MOST_MEMORY or len(salt) < 8 or len(nonce) != _NONCE:
        raise _damaged(what)
    return salt, nonce, (n, r, p)


@lru_cache(maxsize=8)  # what is sealed is read back, and asked for once more, with the same key
def _derive(passphrase: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    n, r, p = cost
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    try:
        return Scrypt(salt=salt, length=_KEY, n=n, r=r, p=p).derive(secret)
    except MemoryError:
        what = f"The passphrase cannot be tried: this computer lacks {128 * n * r >> 20} MiB."
        raise EnvironmentLacks("no-memory", what, "Close other programs, then try again.") from None


def _unpacked(plain: bytes) -> dict[str, bytes]:
    return {name: _bytes(text) for name, text in json.loads(plain).items()}


def _canonical(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _bytes_or_none(text: object) -> bytes | None:
    try:
        return _bytes(text) if isinstance(text, str) else None
    except (ValueError, binascii.Error):
        return None
