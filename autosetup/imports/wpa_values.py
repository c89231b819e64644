"""Values of `wpa_supplicant.conf`, each as wpa_supplicant itself reads it.

Source: hostap, ``wpa_supplicant/config.c`` (strings, keys, lists of words) and
``src/utils/common.c`` (escapes of ``P"…"``).
"""

from __future__ import annotations

import re
import string

from autosetup import forms
from autosetup.settings import HEX, Security
from autosetup.toml_remedies import SMART_QUOTES

_MOST_OCTETS = 32
_ESCAPES = {"n": 10, "r": 13, "t": 9, "e": 27, '"': 34, "\\": 92}
_ESCAPE = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{0,2})|(?P<octal>[0-7]{1,3})|(?P<one>.)|\Z)", re.DOTALL
)
_RAW_KEY = re.compile(r"[0-9A-Fa-f]{64}")

# Ways to join that a payload has a word for.
_BY_PASSPHRASE = {"WPA-PSK", "WPA-PSK-SHA256", "FT-PSK"}
_BY_SAE = {"SAE", "FT-SAE"}


class Unfit(ValueError):
    """A value that cannot be taken over; the text is what to type or do."""


def read_ssid(value: str) -> str:
    """The name of a network in the way of `node.toml`; raises `Unfit`."""
    octets = _octets(value)
    if not 1 <= len(octets) <= _MOST_OCTETS:
        raise Unfit(f"A network's name has 1 to {_MOST_OCTETS} bytes; this one has {len(octets)}.")
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return f"{HEX}{octets.hex()}"
    odd = text.startswith(HEX) or re.search(r"[\x00-\x1f\x7f]", text)
    return f"{HEX}{octets.hex()}" if odd or {text[0], text[-1]} & set(SMART_QUOTES) else text


def is_key(text: str) -> bool:
    """Whether this is the key of a network and not its passphrase."""
    return bool(_RAW_KEY.fullmatch(text))


def read_psk(value: str) -> str:
    """A passphrase, or the key as 64 hex digits; raises `Unfit`, never with a part of it."""
    if value.startswith('"'):
        return read_password(value)
    if not is_key(value):
        raise Unfit("Put the passphrase in plain quotes, or give the key as 64 hex digits.")
    return value.lower()


def read_password(value: str) -> str:
    """A passphrase in quotes; raises `Unfit`, never with a part of it."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        raise Unfit('Put it in plain quotes, with nothing behind them: "…".')
    if forms.PASSPHRASE.complain(value[1:-1]):
        raise Unfit("Between the quotes it must have 8 to 63 plain ASCII characters.")
    return value[1:-1]


def read_security(value: str) -> Security:
    """What a list of ways to join comes to; raises `Unfit`."""
    ways = set(value.split())
    if ways and ways <= _BY_PASSPHRASE | _BY_SAE:
        return "wpa-psk" if ways & _BY_PASSPHRASE else "sae"
    if ways == {"NONE"}:
        return "open"
    raise Unfit("Known here are WPA-PSK, SAE and NONE.")


def read_flag(value: str) -> bool:
    """0 or 1; raises `Unfit`."""
    if value not in ("0", "1"):
        raise Unfit("Type 0 or 1.")
    return value == "1"


def read_priority(value: str) -> int:
    """A whole number, also in the ways of C: 0x10, 010; raises `Unfit`."""
    if not re.fullmatch(r"[-+]?(0[xX][0-9A-Fa-f]{1,7}|[0-9]{1,9})", value):
        raise Unfit("Type a whole number.")
    digits = value.lstrip("+-")
    base = 16 if digits[1:2] in ("x", "X") else 8 if digits.startswith("0") else 10
    try:
        return int(digits, base) * (-1 if value.startswith("-") else 1)
    except ValueError:
        raise Unfit("Type a whole number, without a 0 in front.") from None


def _octets(value: str) -> bytes:
    if value.startswith(('"', 'P"')):
        text = value.removeprefix("P")
        if len(text) < 2 or text[-1] != '"':
            raise Unfit('Close the quote with a plain ", with nothing behind it.')
        inside = text[1:-1].encode("utf-8", "surrogateescape")
        return _unescape(inside) if value.startswith("P") else inside
    if len(value) % 2 or not set(value) <= set(string.hexdigits):
        raise Unfit("Put the name in plain quotes, or give its bytes as pairs of hex digits.")
    return bytes.fromhex(value)


def _unescape(raw: bytes) -> bytes:
    """Octets of a ``P"…"``; an escape that nobody knows stands for what follows the backslash."""

    def meaning(found: re.Match[str]) -> str:
        if found["hex"]:
            return chr(int(found["hex"], 16))
        if found["octal"]:
            return chr(int(found["octal"], 8) & 0xFF)
        return chr(_ESCAPES.get(found["one"], ord(found["one"]))) if found["one"] else ""

    return _ESCAPE.sub(meaning, raw.decode("latin-1")).encode("latin-1")
