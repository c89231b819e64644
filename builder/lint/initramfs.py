"""What is in an initial file system: cpio archives, one after the other, packed or not.

The kernel's documentation: "initramfs buffer format" and Documentation/filesystems/ramfs-rootfs-
initramfs.
"""

from __future__ import annotations

import gzip
import lzma
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CPIO = (b"070701", b"070702")
_HEADER = 110  # the magic and 13 fields of 8 hex digits
_FIELDS = range(6, _HEADER, 8)
_SIZE, _NAME_SIZE = 6, 11
_TRAILER = "TRAILER!!!"
_UNPACK = {
    b"\x1f\x8b": gzip.decompress,
    b"\x28\xb5\x2f\xfd": zstd.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
}
_ALIEN = (b"\x02\x21\x4c\x18", b"BZh", b"\x89LZO", b"\x5d\x00\x00")  # lz4, bzip2, lzo, lzma
_MODULES = re.compile(r"(?:usr/)?lib/modules/([^/]+)(?:/(.+))?")
_DRIVER = re.compile(r"(?:.*/)?([^/]+)\.ko(?:\.\w+)?")


class Unreadable(ValueError):
    """An archive that the kernel could not unpack either; says why."""


@dataclass(frozen=True, slots=True)
class Initramfs:
    """What matters of an initial file system.

    Attributes:
        names: paths in it, without a leading slash.
        versions: of the kernels that it has modules for.
        drivers: names of its modules, with hyphens; those built into the kernel too, where it says.
        whole: False where a part is packed in a form that is not looked into.
    """

    names: frozenset[str]
    versions: frozenset[str]
    drivers: frozenset[str]
    whole: bool


def read_initramfs(data: bytes) -> Initramfs:
    """Look into an initial file system.

    Raises:
        Unreadable: it is damaged.
    """
    names: set[str] = set()
    built_in = b""
    whole = True
    for name, content in _entries(data):
        if name is None:
            whole = False
            continue
        names.add(name)
        if name.endswith("/modules.builtin"):
            built_in += bytes(content)
    found = [match for match in map(_MODULES.fullmatch, names) if match]
    paths = [*(match[2] or "" for match in found), *built_in.decode(errors="replace").split()]
    drivers = {match[1].replace("_", "-") for match in map(_DRIVER.fullmatch, paths) if match}
    versions = frozenset(match[1] for match in found)
    return Initramfs(frozenset(names), versions, frozenset(drivers), whole)


def _entries(data: bytes) -> Iterator[tuple[str | None, memoryview]]:
    """Names and contents; a name of None stands for a part that is not looked into."""
    view, offset = memoryview(data), 0
    while offset < len(data):
        if data[offset] == 0:  # padding
            offset += 1
        elif data.startswith(_CPIO, offset):
            name, content, offset = _entry(data, view, offset)
            if name != _TRAILER:
                yield name, content
        elif data.startswith(_ALIEN, offset):
            yield None, view[:0]
            return
        else:
            yield from _entries(_unpack(data[offset:], offset))
            return


def _entry(data: bytes, view: memoryview, offset: int) -> tuple[str, memoryview, int]:
    if offset + _HEADER > len(data):
        raise Unreadable(f"it ends in the middle of the entry at byte {offset}")
    try:
        fields = [int(data[offset + at : offset + at + 8], 16) for at in _FIELDS]
    except ValueError:
        raise Unreadable(f"the entry at byte {offset} is damaged") from None
    start = _align(offset + _HEADER + fields[_NAME_SIZE])
    end = start + fields[_SIZE]
    if end > len(data):
        raise Unreadable(f"it ends in the middle of the entry at byte {offset}")
    name = data[offset + _HEADER : offset + _HEADER + fields[_NAME_SIZE] - 1]
    return name.decode(errors="replace").removeprefix("./"), view[start:end], _align(end)


def _unpack(data: bytes, offset: int) -> bytes:
    unpack = next((how for magic, how in _UNPACK.items() if data.startswith(magic)), None)
    if unpack is None:
        raise Unreadable(f"what is at byte {offset} is no archive")
    try:
        return unpack(data)
    except (OSError, EOFError, zlib.error, zstd.ZstdError, lzma.LZMAError) as error:
        raise Unreadable(f"what is packed at byte {offset} is damaged ({error})") from None


def _align(offset: int) -> int:
    return -(-offset // 4) * 4
