"""Extended attributes as ext4 keeps them, turned into what getxattr(2) gives.

<https://docs.kernel.org/filesystems/ext4/attributes.html>; access lists after acl(5) and the
kernel's `posix_acl_xattr.h`. Standard library only.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

_MAGIC = 0xEA020000
_PREFIXES = {
    1: "user.",
    2: "system.posix_acl_access",
    3: "system.posix_acl_default",
    4: "trusted.",
    6: "security.",
    7: "system.",
}
_ACCESS_LISTS = (2, 3)
_BLOCK_HEAD = 32
_NO_ID = 0xFFFFFFFF
_WITH_ID = (0x02, 0x08)  # a user, a group


def read_attributes(
    inner: bytes, outer: bytes, content: Callable[[int], bytes]
) -> dict[str, bytes]:
    """The attributes of one inode.

    Args:
        inner: what follows the inode's own fields.
        outer: the block that it names for attributes, b"" for none.
        content: of the inode of a number, where a value is too long for either.
    """
    found: dict[str, bytes] = {}
    if inner[:4] == struct.pack("<I", _MAGIC):
        found |= _entries(inner[4:], 0, content)
    if outer[:4] == struct.pack("<I", _MAGIC):
        found |= _entries(outer, _BLOCK_HEAD, content)
    return found


def _entries(area: bytes, at: int, content: Callable[[int], bytes]) -> dict[str, bytes]:
    """Entries from `at` on; values are counted from the beginning of the area."""
    found = {}
    while at + 16 <= len(area) and area[at : at + 4] != bytes(4):
        named, index, offset, inode, size = struct.unpack_from("<BBHII", area, at)
        suffix = os.fsdecode(area[at + 16 : at + 16 + named])
        value = content(inode)[:size] if inode else area[offset : offset + size]
        if index in _PREFIXES:
            name = _PREFIXES[index] + suffix
            found[name] = _access_list(value) if index in _ACCESS_LISTS else value
        at += 16 + -(-named // 4) * 4
    return found


def _access_list(stored: bytes) -> bytes:
    """An access list as the kernel gives it: every entry with an id."""
    told, at = struct.pack("<I", 2), 4
    while at + 4 <= len(stored):
        tag, rights = struct.unpack_from("<HH", stored, at)
        at += 4
        ident = _NO_ID
        if tag in _WITH_ID:
            ident = struct.unpack_from("<I", stored, at)[0]
            at += 4
        told += struct.pack("<HHI", tag, rights, ident)
    return told
