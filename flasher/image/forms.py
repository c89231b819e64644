"""How images come: raw, or compressed in one of four ways; told apart by their first bytes."""

from __future__ import annotations

import gzip
import lzma
import mmap
import os
import sys
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast
from zipfile import BadZipFile

from flasher.errors import BadInput
from flasher.image.blocks import FileBlocks
from flasher.image.xz import read_blocks
from flasher.image.zipped import open_zipped, unpacked_size

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Form = Literal["xz", "zst", "gz", "zip"]
SUFFIXES = (".zst", ".xz", ".gz", ".zip", ".img")
_MAGIC: dict[bytes, Form] = {
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\x1f\x8b": "gz",
    b"PK\x03\x04": "zip",
}
_BZIP2 = b"BZh"
# The longest header of a frame: RFC 8878, section 3.1.1.1.
_ZST_HEADER = 18
# What the libraries say of bytes that cannot be unpacked.
DAMAGE = (
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zstd.ZstdError,
    gzip.BadGzipFile,
    BadZipFile,
)


class Readable(Protocol):
    """What unpacks as it is read."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


OPENERS: dict[Form, Callable[[BinaryIO], AbstractContextManager[Readable]]] = {
    "xz": lzma.open,
    "gz": gzip.open,
    "zst": zstd.open,
    "zip": open_zipped,
}


def form_of(path: Path) -> Form | None:
    """How a file is compressed; None for a raw image.

    Raises:
        BadInput: it cannot be opened, or ``unknown-compression``.
    """
    with FileBlocks(path) as blocks:
        head = blocks.read(0, min(8, blocks.size))
    if head.startswith(_BZIP2):
        what = f"{path} is compressed as .bz2, which is not supported."
        raise BadInput("unknown-compression", what, "Unpack it and name the .img file.")
    return next((form for magic, form in _MAGIC.items() if head.startswith(magic)), None)


def size_of(path: Path, form: Form) -> int | None:
    """Bytes of the raw image as the packed one announces them; None where it does not.

    Raises:
        Exception: one of `DAMAGE`: it is damaged or was cut off.
    """
    with path.open("rb") as packed:
        if form == "xz":
            size = os.fstat(packed.fileno()).st_size
            blocks = read_blocks(lambda at, length: os.pread(packed.fileno(), length, at), size)
            return blocks[-1].start + blocks[-1].size if blocks else 0
        if form == "zst":
            return _zst_size(packed)
        return unpacked_size(packed) if form == "zip" else None


def _zst_size(packed: BinaryIO) -> int | None:
    """The sum of what all frames announce; their blocks are stepped over, not unpacked."""
    with mmap.mmap(packed.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        at = total = 0
        while at < len(raw):
            info = zstd.get_frame_info(raw[at : at + _ZST_HEADER])
            size = cast("int | None", info.decompressed_size)  # None where it was not announced
            if size is None:
                return None
            with memoryview(raw) as view, view[at:] as frame:
                at, total = at + zstd.get_frame_size(frame), total + size
        return total
