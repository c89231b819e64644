"""Block maps: ours read back, faults in others' found."""

from __future__ import annotations

import hashlib

import pytest

from flasher.errors import BadInput
from flasher.image.bmap import BLOCK_SIZE, check_image, map_blocks, read_bmap, write_bmap
from flasher.image.ranges import ByteRange
from tests.memory_blocks import MemoryBlocks

IMAGE = MemoryBlocks(
    b"a" * BLOCK_SIZE + bytes(3 * BLOCK_SIZE) + b"b" * BLOCK_SIZE * 2 + bytes(BLOCK_SIZE) + b"end"
)
OLD_MAP = """<?xml version="1.0" ?>
<bmap version="{version}">
    <ImageSize> 28675 </ImageSize> <BlockSize> 4096 </BlockSize> <BlocksCount> 8 </BlocksCount>
    <MappedBlocksCount> {count} </MappedBlocksCount>
    {own}
    <BlockMap> <Range{first}> 0 </Range> <Range> 4 - 5 </Range> <Range> 7 </Range> </BlockMap>
</bmap>"""


def old_map(version: str, count: int = 4, own: str = "", first: str = "") -> bytes:
    return OLD_MAP.format(version=version, count=count, own=own, first=first).encode()


def with_own_sum(version: str, first: str) -> bytes:
    blank = "0" * 40
    text = old_map(version, own=f"<BmapFileSHA1> {blank} </BmapFileSHA1>", first=first)
    return text.replace(blank.encode(), hashlib.sha1(text).hexdigest().encode(), 1)  # noqa: S324


def test_only_blocks_that_hold_something_are_mapped_and_those_asked_for() -> None:
    assert [(r.first, r.last) for r in map_blocks(IMAGE).ranges] == [(0, 0), (4, 5), (7, 7)]
    more = map_blocks(IMAGE, always=[ByteRange(BLOCK_SIZE + 5, 10)])
    assert [(r.first, r.last) for r in more.ranges] == [(0, 1), (4, 5), (7, 7)]


def test_a_map_reads_back_as_it_was_written_and_fits_its_image() -> None:
    block_map = map_blocks(IMAGE)
    assert read_bmap(write_bmap(block_map)) == block_map
    check_image(IMAGE, block_map)


def test_maps_of_version_1_2_and_1_3_are_read() -> None:
    assert [(r.first, r.last) for r in read_bmap(old_map("1.2")).ranges] == [(0, 0), (4, 5), (7, 7)]
    sha1 = hashlib.sha1(b"a" * BLOCK_SIZE).hexdigest()  # noqa: S324
    found = read_bmap(with_own_sum("1.3", f' sha1="{sha1}"'))
    assert (found.checksum_type, found.ranges[0].checksum) == ("sha1", sha1)
    check_image(IMAGE, found)


def test_a_changed_image_is_named_with_the_range() -> None:
    block_map = map_blocks(IMAGE)
    changed = MemoryBlocks(IMAGE.read(0, IMAGE.size))
    changed.write(5 * BLOCK_SIZE, b"x")
    with pytest.raises(BadInput, match="bytes 16384-24575"):
        check_image(changed, block_map)
    with pytest.raises(BadInput, match="block map says 28675"):
        check_image(MemoryBlocks(b"short"), block_map)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (write_bmap(map_blocks(IMAGE)).replace(b" 4-5 ", b" 3-5 "), "its own checksum"),
        (write_bmap(map_blocks(IMAGE))[:-20], "is not XML"),
        (old_map("3.0"), "version 1.2 to 2.0"),
        (old_map("1.2", count=5), "promises 5"),
        (old_map("1.2").replace(b"4 - 5", b"5 - 4"), "out of order"),
        (old_map("1.2").replace(b"> 7 <", b"> 8 <"), "out of the image"),
        (old_map("1.2").replace(b"28675", b"many"), "ImageSize"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><bmap/>", "no block map"),
    ],
)
def test_a_map_with_a_fault_is_refused(raw: bytes, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        read_bmap(raw)
    assert caught.value.code == "bad-bmap"
