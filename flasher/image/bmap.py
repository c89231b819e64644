"""Block maps: which blocks of an image hold something, with a checksum for each range.

The format is that of Yocto's bmaptool, described at the head of its `BmapCreate.py`: versions 1.2
(no checksums), 1.3 (SHA-1) and 2.0 (any; 1.4 is the same thing under a mistaken number). The file's
own checksum is taken with the checksum's digits replaced by zeros.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from flasher.errors import BadInput
from flasher.events import NEVER, CancelFlag, check_cancelled
from flasher.image.blocks import Blocks
from flasher.image.ranges import ByteRange, chunks, gaps, merge, widen

BLOCK_SIZE = 4096
ChecksumType = Literal["sha1", "sha256", "sha512"]
_CHECKSUM_TYPES: tuple[ChecksumType, ...] = ("sha1", "sha256", "sha512")
_LARGEST_FILE = 64 << 20
_READ = 4 << 20


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks `first` to `last`, both included; `checksum` in hex, None where the map has none."""

    first: int
    last: int
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class BlockMap:
    """The map of one image.

    Attributes:
        image_size: bytes; the last block may be a part of one.
        block_size: bytes.
        ranges: mapped ranges in order, none overlapping.
        checksum_type: of the ranges' checksums.
    """

    image_size: int
    block_size: int
    ranges: tuple[Range, ...]
    checksum_type: ChecksumType = "sha256"

    @property
    def blocks_count(self) -> int:
        """Blocks of the whole image."""
        return -(-self.image_size // self.block_size)

    @property
    def mapped_count(self) -> int:
        """Blocks that are mapped."""
        return sum(found.last - found.first + 1 for found in self.ranges)

    @property
    def mapped_bytes(self) -> int:
        """Bytes that are mapped."""
        return self.mapped_count * self.block_size

    def byte_range(self, found: Range) -> ByteRange:
        """A range in bytes, cut at the end of the image."""
        offset = found.first * self.block_size
        end = min((found.last + 1) * self.block_size, self.image_size)
        return ByteRange(offset, end - offset)

    def byte_ranges(self) -> tuple[ByteRange, ...]:
        """All mapped ranges in bytes, merged."""
        return merge(self.byte_range(found) for found in self.ranges)


def map_blocks(image: Blocks, always: Iterable[ByteRange] = ()) -> BlockMap:
    """Map an image: every 4 KiB block that is not all zeros, and the ranges `always`, hashed.

    Args:
        image: read in chunks of 4 MiB, and what turns out to be mapped once more.
        always: bytes that must be written even where they are zeros.
    """
    used = [*widen(always, BLOCK_SIZE, image.size)]
    for chunk in chunks(gaps(used, image.size), _READ):
        used += _used_blocks(chunk.offset, image.read(chunk.offset, chunk.length))
    ranges = []
    for found in widen(used, BLOCK_SIZE, image.size):
        first, last = found.offset // BLOCK_SIZE, (found.end - 1) // BLOCK_SIZE
        ranges.append(Range(first, last, hash_range(image, found, "sha256")))
    return BlockMap(image.size, BLOCK_SIZE, tuple(ranges))


def _used_blocks(offset: int, data: bytes) -> list[ByteRange]:
    if not any_set(data):
        return []
    used = []
    for start in range(0, len(data), BLOCK_SIZE):
        block = data[start : start + BLOCK_SIZE]
        if any_set(block):
            used.append(ByteRange(offset + start, len(block)))
    return used


def any_set(data: bytes) -> bool:
    """Whether any bit is set."""
    return data != bytes(len(data))  # ends at the first set byte; counting would go on


def hash_range(
    image: Blocks, found: ByteRange, checksum_type: ChecksumType, cancel: CancelFlag = NEVER
) -> str:
    """Checksum (hex) of one range of an image; raises `Cancelled` as asked."""
    digest = hashlib.new(checksum_type, usedforsecurity=False)
    for part in chunks([found], _READ):
        check_cancelled(cancel, "Checking the image")
        digest.update(image.read(part.offset, part.length))
    return digest.hexdigest()


def check_image(image: Blocks, block_map: BlockMap, cancel: CancelFlag = NEVER) -> None:
    """Compare an image with its map: the size and, where the map has them, all checksums.

    Raises:
        BadInput: ``bmap-mismatch``, with the first range that differs.
        Cancelled: as asked.
    """
    if image.size != block_map.image_size:
        what = f"The image has {image.size} bytes, its block map says {block_map.image_size}."
        raise _mismatch(what)
    for found in block_map.ranges:
        place = block_map.byte_range(found)
        if found.checksum is None:
            continue
        if found.checksum != hash_range(image, place, block_map.checksum_type, cancel):
            raise _mismatch(f"The image differs from its block map in {place}.")


def _mismatch(what: str) -> BadInput:
    return BadInput("bmap-mismatch", what, "Get the image and its .bmap again, both together.")


# --- reading ---------------------------------------------------------------------------------


def read_bmap(raw: bytes) -> BlockMap:
    """Read a .bmap file, versions 1.2 to 2.0, its own checksum included.

    Raises:
        BadInput: it is not a block map, or was changed or cut off.
    """
    # Entities are what makes XML dangerous; a block map has none.
    if len(raw) > _LARGEST_FILE or b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise _bad("is no block map")
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 - entities were refused above
    except ElementTree.ParseError as error:
        raise _bad(f"is not XML ({error})") from None
    version = re.fullmatch(r"(\d+)\.(\d+)", root.get("version", ""))
    if root.tag != "bmap" or not version or not 1 <= int(version[1]) <= 2:
        raise _bad("is not of version 1.2 to 2.0")
    checksum_type, attribute = _check_own_sum(raw, root, (int(version[1]), int(version[2])))
    return _check_ranges(
        BlockMap(
            _number(root, "ImageSize"),
            _number(root, "BlockSize"),
            tuple(_range(found, attribute) for found in root.iterfind("BlockMap/Range")),
            checksum_type,
        ),
        _number(root, "MappedBlocksCount"),
    )


def _check_own_sum(
    raw: bytes, root: ElementTree.Element, version: tuple[int, int]
) -> tuple[ChecksumType, str]:
    """The checksum type, and the name of the attribute that carries it in ranges."""
    if version < (1, 3):
        return "sha1", "sha1"
    old = version == (1, 3)
    name = "sha1" if old else _text(root, "ChecksumType")
    checksum_type = next((known for known in _CHECKSUM_TYPES if known == name), None)
    if checksum_type is None:
        raise _bad(f"has checksums of the unknown type {name!r}")
    own = _text(root, "BmapFileSHA1" if old else "BmapFileChecksum")
    blank = raw.replace(own.encode(), b"0" * len(own), 1)
    if hashlib.new(checksum_type, blank, usedforsecurity=False).hexdigest() != own:
        raise _bad("does not match its own checksum")
    return checksum_type, "sha1" if old else "chksum"


def _range(found: ElementTree.Element, attribute: str) -> Range:
    numbers = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", found.text or "")
    if not numbers:
        raise _bad(f"has the range {found.text!r}")
    return Range(int(numbers[1]), int(numbers[2] or numbers[1]), found.get(attribute))


def _check_ranges(block_map: BlockMap, mapped_count: int) -> BlockMap:
    if block_map.block_size < 1 or block_map.image_size < 1:
        raise _bad("has a size of 0")
    end = 0
    for found in block_map.ranges:
        if not end <= found.first <= found.last < block_map.blocks_count:
            raise _bad(f"has blocks {found.first}-{found.last}, out of order or out of the image")
        end = found.last + 1
    if block_map.mapped_count != mapped_count:
        raise _bad(f"lists {block_map.mapped_count} mapped blocks but promises {mapped_count}")
    return block_map


def _text(root: ElementTree.Element, tag: str) -> str:
    text = (root.findtext(tag) or "").strip()
    if not text:
        raise _bad(f"has no {tag}")
    return text


def _number(root: ElementTree.Element, tag: str) -> int:
    text = _text(root, tag)
    if not text.isascii() or not text.isdigit():
        raise _bad(f"has the {tag} {text!r}")
    return int(text)


def _bad(what: str) -> BadInput:
    return BadInput("bad-bmap", f"The block map {what}.", "Get the .bmap file again.")


# --- writing ---------------------------------------------------------------------------------

_TEMPLATE = """<?xml version="1.0" ?>
<!-- Blocks of the image that must be written; see bmaptool(1). -->
<bmap version="2.0">
    <ImageSize> {image_size} </ImageSize>
    <BlockSize> {block_size} </BlockSize>
    <BlocksCount> {blocks_count} </BlocksCount>
    <MappedBlocksCount> {mapped_count} </MappedBlocksCount>
    <ChecksumType> {checksum_type} </ChecksumType>
    <BmapFileChecksum> {own} </BmapFileChecksum>
    <BlockMap>
{ranges}
    </BlockMap>
</bmap>
"""


def write_bmap(block_map: BlockMap) -> bytes:
    """The map as a .bmap file of version 2.0."""
    checksum_type = block_map.checksum_type
    blank = "0" * (2 * hashlib.new(checksum_type, usedforsecurity=False).digest_size)
    text = _TEMPLATE.format(
        image_size=block_map.image_size,
        block_size=block_map.block_size,
        blocks_count=block_map.blocks_count,
        mapped_count=block_map.mapped_count,
        checksum_type=checksum_type,
        own=blank,
        ranges="\n".join(map(_range_line, block_map.ranges)),
    )
    own = hashlib.new(checksum_type, text.encode(), usedforsecurity=False).hexdigest()
    return text.replace(blank, own, 1).encode()


def _range_line(found: Range) -> str:
    checksum = f' chksum="{found.checksum}"' if found.checksum else ""
    span = f"{found.first}-{found.last}" if found.last > found.first else f"{found.first}"
    return f"        <Range{checksum}> {span} </Range>"
