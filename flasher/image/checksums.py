"""An image hashed while others already use it: its digest, and what of it is not all zeros."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flasher.errors import BadInput
from flasher.events import NEVER, CancelFlag, check_cancelled
from flasher.image.background import Watermark
from flasher.image.blocks import Blocks
from flasher.image.bmap import any_set
from flasher.image.store import Piece

_CHUNK = 4 << 20
_WHAT = "Checking the image"


@dataclass(frozen=True, slots=True)
class Sum:
    """A checksum that somebody announced.

    Attributes:
        algorithm: ``sha256`` or ``sha512``.
        digest: hex, in small letters.
        paper: the file that says so.
    """

    algorithm: str
    digest: str
    paper: Path


def check_sums(path: Path, sums: Iterable[Sum], found: dict[str, str]) -> None:
    """Compare digests by algorithm with what was announced for a file.

    Raises:
        BadInput: ``checksum-mismatch``.
    """
    for each in sums:
        if found[each.algorithm] != each.digest:
            raise BadInput(
                "checksum-mismatch",
                f"{path} is not the image that {each.paper.name} speaks of: its "
                f"{_NAMES[each.algorithm]} differs.",
                "Get the image again; it was damaged or cut off on its way.",
            )


_NAMES = {"sha256": "SHA-256", "sha512": "SHA-512"}


def hash_file(
    path: Path, algorithms: Iterable[str] = (), cancel: CancelFlag = NEVER
) -> dict[str, str]:
    """Digests (hex) of a file by algorithm, SHA-256 always, read once."""
    hashers = _hashers(algorithms)
    with path.open("rb", buffering=0) as handle:
        while chunk := handle.read(_CHUNK):
            check_cancelled(cancel, f"Checking {path.name}")
            for hasher in hashers.values():
                hasher.update(chunk)
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}


def hash_image(
    image: Blocks,
    watermark: Watermark,
    algorithms: Iterable[str],
    cancel: CancelFlag,
) -> tuple[dict[str, str], tuple[Piece, ...]]:
    """Follow an image as it grows, to its end.

    Args:
        algorithms: the digests that are wanted beside SHA-256.

    Returns:
        Digests (hex) of the whole by algorithm, and the pieces that are not all zeros.

    Raises:
        Exception: what the watermark says.
    """
    hashers = _hashers(algorithms)
    pieces: list[Piece] = []
    offset = 0
    while (end := watermark.wait(offset + _CHUNK)) > offset:
        check_cancelled(cancel, _WHAT)
        end = min(end, offset + _CHUNK)
        data = image.read(offset, end - offset)
        for hasher in hashers.values():
            hasher.update(data)
        if any_set(data):
            pieces.append(Piece(offset, len(data), zlib.crc32(data)))
        offset = end
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}, tuple(pieces)


def is_as_noted(image: Blocks, pieces: Iterable[Piece], cancel: CancelFlag) -> bool:
    """Whether an image still holds what it held when it was put into the store."""
    for piece in pieces:
        check_cancelled(cancel, _WHAT)
        if zlib.crc32(image.read(piece.offset, piece.length)) != piece.crc:
            return False
    return True


def _hashers(algorithms: Iterable[str]) -> dict[str, hashlib._Hash]:
    return {name: hashlib.new(name) for name in {"sha256", *algorithms}}
