"""Images as they come: raw or compressed, checked against whatever checksums lie beside them.

A compressed image is unpacked once, into the cache, under the name of its contents' digest.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import lzma
import os
import re
import secrets
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from zipfile import BadZipFile

from flasher import paths
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, Progress, check_cancelled, ignore, step
from flasher.files import replacing, write_atomic
from flasher.image.blocks import SECTOR, FileBlocks
from flasher.image.bmap import any_set, check_image, read_bmap
from flasher.image.mbr import GPT_PROTECTIVE, Mbr
from flasher.image.ranges import ByteRange
from flasher.image.zipped import open_zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK = 4 << 20
_HOLE = 64 << 10
_MAGIC = {
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\x1f\x8b": "gz",
    b"PK\x03\x04": "zip",
    b"BZh": "bz2",
}
_SUFFIXES = (".zst", ".xz", ".gz", ".zip", ".img")
_DAMAGE = (
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zstd.ZstdError,
    gzip.BadGzipFile,
    BadZipFile,
)
_SUMS_LINE = re.compile(r"^([0-9a-fA-F]{64})(?: [ *](.+))?$")
_NEVER = CancelFlag()


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


_OPENERS: dict[str, Callable[[BinaryIO], AbstractContextManager[_Readable]]] = {
    "xz": lzma.open,
    "gz": gzip.open,
    "zst": zstd.open,
    "zip": open_zipped,
}


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A checked raw image; it reads as `Blocks`.

    Attributes:
        path: of the raw image; in the cache, where it came compressed.
        size: bytes.
        digest: SHA-256 (hex) of the raw image.
        ranges: the bytes that must be written; the rest was never used.
        source: the file that was named.
        stamp: of the raw image's file; reading fails once it has changed.
    """

    path: Path
    size: int
    digest: str
    ranges: tuple[ByteRange, ...]
    source: Path
    stamp: tuple[int, ...]

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on.

        Raises:
            FlasherError: ``image-changed``, where it is not the file that was checked.
        """
        with self._opened() as blocks:
            return blocks.read(offset, length)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` with the bytes from `offset` on; raises as `read`."""
        with self._opened() as blocks:
            blocks.read_into(offset, buffer)

    def prove(self, cancel: CancelFlag = _NEVER) -> None:
        """Return once every check of the image has ended well; a card is not finished before.

        Raises:
            BadInput: it is damaged, or not what its checksums say.
            Cancelled: as asked.
        """

    @contextmanager
    def _opened(self) -> Iterator[FileBlocks]:
        with FileBlocks(self.path) as blocks:
            if blocks.stamp != self.stamp:
                what = f"The image {self.path} was changed while it was in use."
                raise FlasherError("image-changed", what, "Start again with the new image.")
            yield blocks


def open_image(path: Path, *, emit: Emit = ignore, cancel: CancelFlag = _NEVER) -> ImageFile:
    """Check an image, and unpack it first where it is compressed and not yet in the cache.

    Enforced where they lie beside it: ``SHA256SUMS``, ``<image>.sha256`` and the block map,
    ``<image>.bmap``, also without ``.zst`` (or its like) and ``.img``.

    Args:
        path: ``.img``, or that compressed with zstd, xz, gzip or zip; told apart by contents.

    Raises:
        BadInput: it is no image of a card, damaged, cut off, or not what its checksums say.
        Cancelled: nothing is left half made.
    """
    form = _form(path)
    raw, digest = path, None
    if form:
        raw, digest = _unpacked(path, form, emit, cancel)
    with FileBlocks(raw) as blocks:
        digest = digest or _digest(path, emit, cancel)
        if not form:
            _check_sum(path, digest)
        _check_partitions(path, blocks)
        return ImageFile(raw, blocks.size, digest, _ranges(path, blocks), path, blocks.stamp)


def _form(path: Path) -> str | None:
    """The kind of compression; None for a raw image."""
    with FileBlocks(path) as blocks:
        head = blocks.read(0, min(8, blocks.size))
    form = next((form for magic, form in _MAGIC.items() if head.startswith(magic)), None)
    if form == "bz2":
        what = f"{path} is compressed as .{form}, which is not supported."
        raise BadInput("unknown-compression", what, "Unpack it and name the .img file.")
    return form


def _digest(path: Path, emit: Emit, cancel: CancelFlag) -> str:
    """SHA-256 of a file, read once from beginning to end."""
    digest = hashlib.sha256()
    with (
        path.open("rb") as handle,
        step(emit, path.name, "check", path.stat().st_size, "bytes") as progress,
    ):
        while chunk := handle.read(_CHUNK):
            check_cancelled(cancel, f"Checking {path.name}")
            digest.update(chunk)
            progress.advance(len(chunk))
    return digest.hexdigest()


# --- what lies beside an image ---------------------------------------------------------------


def _check_sum(path: Path, digest: str) -> None:
    """Compare a file's digest with the checksum files beside it."""
    for sums in (path.with_name("SHA256SUMS"), path.with_name(f"{path.name}.sha256")):
        expected = _listed(sums, path.name)
        if expected not in (None, digest):
            raise BadInput(
                "checksum-mismatch",
                f"{path} is not the file that {sums.name} speaks of: its SHA-256 differs.",
                "Get the image again; it was damaged or cut off on its way.",
            )


def _listed(sums: Path, name: str) -> str | None:
    if not sums.is_file():
        return None
    for line in sums.read_text(errors="replace").splitlines():
        found = _SUMS_LINE.match(line.strip())
        if found and found[2] in (name, None):
            return found[1].lower()
    return None


def _ranges(path: Path, blocks: FileBlocks) -> tuple[ByteRange, ...]:
    """The mapped ranges by the block map beside the image, whose checksums must be right."""
    names = [path]
    while names[-1].suffix in _SUFFIXES:
        names.append(names[-1].with_suffix(""))
    for name in names:
        bmap = name.with_name(f"{name.name}.bmap")
        if bmap.is_file():
            block_map = read_bmap(bmap.read_bytes())
            check_image(blocks, block_map)
            return block_map.byte_ranges()
    return (ByteRange(0, blocks.size),)


def _check_partitions(path: Path, blocks: FileBlocks) -> None:
    """A card's image starts with a partition table, and holds all its partitions."""
    if blocks.size < SECTOR:
        what = f"{path} has {blocks.size} bytes: that is no image."
        raise BadInput("no-image", what, "Choose another file, or get the image again.")
    for partition in Mbr.from_bytes(blocks.read(0, SECTOR)).partitions:
        end = partition.offset + partition.size
        if end > blocks.size and partition.type != GPT_PROTECTIVE:
            raise BadInput(
                "image-cut-off",
                f"{path} was cut off: partition {partition.slot} ends at byte {end}, "
                f"the image at byte {blocks.size}.",
                "Get the image again.",
            )


# --- unpacking -------------------------------------------------------------------------------


def _unpacked(path: Path, form: str, emit: Emit, cancel: CancelFlag) -> tuple[Path, str]:
    """The raw image of a compressed one, and its digest; from the cache if it is whole there."""
    packed = _digest(path, emit, cancel)
    _check_sum(path, packed)
    store = paths.cache() / "images"
    note = store / f"{packed}.unpacked"
    if note.is_file():
        digest = note.read_text().strip()
        raw = store / f"{digest}.img"
        if raw.is_file() and _digest(raw, emit, cancel) == digest:
            return raw, digest
    digest = _unpack(path, form, store, emit, cancel)
    write_atomic(note, digest + "\n")
    return store / f"{digest}.img", digest


def _unpack(path: Path, form: str, store: Path, emit: Emit, cancel: CancelFlag) -> str:
    """Unpack into the store; returns the digest, by which the raw image is named."""
    store.mkdir(parents=True, exist_ok=True)
    draft = store / f".{secrets.token_hex(4)}.part"
    size = path.stat().st_size
    try:
        with (
            path.open("rb") as packed,
            draft.open("wb") as target,
            step(emit, path.name, "unpack", size, "bytes") as progress,
            _told_apart(path, store),
            _OPENERS[form](packed) as source,
        ):
            digest = _copy_sparse(source, target, packed, progress, cancel)
        with replacing(store / f"{digest}.img") as final:
            draft.replace(final)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return digest


@contextmanager
def _told_apart(path: Path, store: Path) -> Iterator[None]:
    """Tell a damaged image from a full disk."""
    try:
        yield
    except _DAMAGE:
        what = f"{path} is damaged or was cut off: it cannot be unpacked to its end."
        raise BadInput("image-damaged", what, "Get the image again.") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        what = f"The disk is full: {path.name} cannot be unpacked into {store}."
        raise FlasherError("disk-full", what, "Free some space, or set FLASHER_CACHE.") from None


def _copy_sparse(
    source: _Readable, target: BinaryIO, packed: BinaryIO, progress: Progress, cancel: CancelFlag
) -> str:
    """Copy to the end, leaving holes for zeros; returns the digest."""
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(_CHUNK):
        check_cancelled(cancel, "Unpacking the image")
        digest.update(chunk)
        for start in range(0, len(chunk), _HOLE):
            piece = chunk[start : start + _HOLE]
            if any_set(piece):
                os.pwrite(target.fileno(), piece, size + start)
        size += len(chunk)
        progress.reach(packed.tell())
    target.truncate(size)
    return digest.hexdigest()
