"""A payload from a folder or an archive on the node; nothing that it says of itself is believed.

Archives are read, never unpacked: their files come to lie where the payload's own rules put them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST
from autosetup.payload import FOLDER, LOG, STATUS, is_litter, read_folder

# A boot partition would hold no more.
_MOST_FILES, _MOST_BYTES = 4096, 256 << 20
_PIECE = 1 << 16
_MAGICS: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda packed: cast("IO[bytes]", gzip.GzipFile(fileobj=packed)),
    b"BZh": lambda packed: cast("IO[bytes]", bz2.BZ2File(packed)),
    b"\xfd7zXZ\0": lambda packed: cast("IO[bytes]", lzma.LZMAFile(packed)),  # noqa: SIM115
}
_UNREADABLE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, NotImplementedError, RuntimeError),
)
_AGAIN = "Make it anew from the folder autosetup of a card."


class _Entry(NamedTuple):
    """A member: its path, its size as it claims, whether it is a plain file, and its content."""

    name: str
    size: int
    is_plain: bool
    handle: IO[bytes] | None


class _Bounded(io.BytesIO):
    """What a packed stream comes to, up to a size that no payload has; for tar's headers too."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream, self._left = stream, 2 * _MOST_BYTES

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(min(size or 0, self._left))
        self._left -= len(data)
        if not self._left:
            raise tarfile.ReadError("larger than any payload")
        return data


def read_payload(path: Path) -> dict[str, bytes]:
    """The files of a payload by their paths in its folder; they are not checked yet.

    Args:
        path: a folder, or a .zip or .tar (plain, gzip, bzip2, xz) of it or of what is in it.

    Raises:
        Faulty: it is neither, or holds what no payload holds.
        OSError: it cannot be read.
    """
    if path.is_dir():
        for entry in path.rglob("*"):
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                what = "a link" if entry.is_symlink() else "no plain file"
                raise _refused(path, f"{entry.relative_to(path)} is {what}.")
        return read_folder(path)
    with path.open("rb") as handle:
        try:
            return _without_folder(_files(path, _entries(handle)))
        except Faulty:
            raise
        except _UNREADABLE:
            raise _refused(path, "This is no whole zip or tar archive.") from None


def _entries(handle: IO[bytes]) -> Iterator[_Entry]:
    if zipfile.is_zipfile(handle):
        return _zip_entries(handle)
    handle.seek(0)
    magic = handle.read(6)
    handle.seek(0)
    opener = next((found for start, found in _MAGICS.items() if magic.startswith(start)), None)
    return _tar_entries(opener(handle) if opener else handle)


def _zip_entries(handle: IO[bytes]) -> Iterator[_Entry]:
    with zipfile.ZipFile(handle) as archive:
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if not entry.is_dir():
                with archive.open(entry) as member:
                    is_plain = kind in (0, stat.S_IFREG)
                    yield _Entry(entry.filename, entry.file_size, is_plain, member)


def _tar_entries(stream: IO[bytes]) -> Iterator[_Entry]:
    bounded = _Bounded(stream)
    with tarfile.open(fileobj=bounded, mode="r|") as archive:
        for entry in archive:
            if not entry.isdir():
                is_plain = entry.isreg() and not entry.issparse()
                member = archive.extractfile(entry) if is_plain else None
                yield _Entry(entry.name, entry.size, is_plain, member)
    # The checksum of what is packed stands at its very end, behind all that tar reads.
    while bounded.read(_PIECE):
        pass


def _files(path: Path, entries: Iterator[_Entry]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    left = _MOST_BYTES
    for entry in entries:
        name = entry.name.removeprefix("./")
        if is_litter(name):
            continue
        if not entry.is_plain or entry.handle is None:
            raise _refused(path, f"It holds {name[:80]!r}, which is no plain file.")
        if name.startswith("/") or "\\" in name or {"..", "."} & {*name.split("/")}:
            raise _refused(path, f"It holds {name[:80]!r}, which would lie elsewhere.")
        if name in files:
            raise _refused(path, f"It holds {name[:80]!r} twice.")
        if entry.size > left or len(files) >= _MOST_FILES:
            raise _refused(path, "It is larger than any payload.")
        files[name] = entry.handle.read(left + 1)
        left -= len(files[name])
        if left < 0:
            raise _refused(path, "It is larger than any payload.")
    return files


def _without_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files as they are called in the folder, which may have been packed with them."""
    start = "" if MANIFEST in files else f"{FOLDER}/"
    inside = {n.removeprefix(start): data for n, data in files.items() if n.startswith(start)}
    return {name: data for name, data in inside.items() if name not in (STATUS, LOG)}


def _refused(path: Path, what: str) -> Faulty:
    return Faulty([Fault(path.name, 0, 0, what, _AGAIN)])
