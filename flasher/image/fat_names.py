"""Names on FAT: the 11 bytes of the 8.3 name, its lower-case bits, and the long name beside it.

After Microsoft's "FAT32 File System Specification" 1.03, chapter "FAT Long Directory Entries"; the
two lower-case bits are Windows NT's, written and read by Linux and mtools too.
"""

from __future__ import annotations

import string
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count

from flasher.errors import BadInput

LOWER_BASE, LOWER_EXTENSION = 0x08, 0x10
_CODE_PAGE = "cp437"
_SHORT_CHARACTERS = frozenset(string.ascii_uppercase + string.digits + "!#$%&'()-@^_`{}~")
_FORBIDDEN = frozenset('"*/:<>?\\|')
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class ShortName:
    """An 8.3 name: 11 bytes, padded with spaces, and the case bits."""

    raw: bytes
    case: int = 0

    def __str__(self) -> str:
        # 0xE5 as the first byte would mean "deleted", so 0x05 stands for it.
        raw = b"\xe5" + self.raw[1:] if self.raw[:1] == b"\x05" else self.raw
        base, extension = (part.decode(_CODE_PAGE).rstrip(" ") for part in (raw[:8], raw[8:]))
        base = base.lower() if self.case & LOWER_BASE else base
        extension = extension.lower() if self.case & LOWER_EXTENSION else extension
        return f"{base}.{extension}" if extension else base

    @property
    def checksum(self) -> int:
        """What ties long-name slots to this name."""
        total = 0
        for byte in self.raw:
            total = ((total & 1) << 7 | total >> 1) + byte & 0xFF
        return total


def fold(name: str) -> str:
    """The form in which names are compared: FAT does not tell cases apart."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in name)


def check_name(name: str) -> None:
    """Raise BadInput unless `name` can be the name of a file on FAT and on Windows."""
    units = len(name.encode("utf-16-le", "surrogatepass")) // 2
    bad = sorted({c for c in name if c in _FORBIDDEN or c < " " or "\ud800" <= c <= "\udfff"})
    if bad or not 0 < units <= _LONGEST or name != name.rstrip(". ") or name != name.lstrip(" "):
        what = f" because of {' '.join(map(repr, bad))}" if bad else ""
        raise BadInput(
            "fat-name",
            f"{name!r} cannot be a file name on the boot partition{what}.",
            'Use 1 to 255 characters, none of " * / : < > ? \\ |, and no space or dot at the end.',
        )


def exact_short_name(name: str) -> ShortName | None:
    """The 8.3 name that says all of `name`; None where it needs a long one."""
    base, dot, extension = name.partition(".")
    if not 1 <= len(base) <= 8 or len(extension) > 3 or (dot and not extension):
        return None
    if not name.isascii() or not {*base.upper(), *extension.upper()} <= _SHORT_CHARACTERS:
        return None
    if not _one_case(base) or not _one_case(extension):
        return None
    case = (LOWER_BASE if base.upper() != base else 0) | (
        LOWER_EXTENSION if extension.upper() != extension else 0
    )
    return ShortName(_pad(base, extension), case)


def _one_case(part: str) -> bool:
    return part in (part.upper(), part.lower())


def numbered_short_name(name: str, taken: Collection[bytes]) -> ShortName:
    """An 8.3 name such as ``NODE~1.TOM`` to stand beside a long one, none of those `taken`."""
    stem, _, extension = name.lstrip(".").rpartition(".")
    if not stem:
        stem, extension = extension, ""
    stem, extension = _simplify(stem) or "_", _simplify(extension)[:3]
    for number in count(1):
        tail = f"~{number}"
        raw = _pad(stem[: 8 - len(tail)] + tail, extension)
        if raw not in taken:
            return ShortName(raw)
    raise AssertionError("count never ends")


def _simplify(part: str) -> str:
    kept = (c for c in part.upper() if c not in " .")
    return "".join(c if c in _SHORT_CHARACTERS else "_" for c in kept)


def _pad(base: str, extension: str) -> bytes:
    return base.upper().encode("ascii").ljust(8) + extension.upper().encode("ascii").ljust(3)
