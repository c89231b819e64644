"""What of an image must be on a card, where no ext4 is to be asked."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

import pytest

from flasher.image.blocks import SECTOR
from flasher.image.mbr import FAT32_LBA, GPT_PROTECTIVE, LINUX, Mbr, Partition
from flasher.image.ranges import ByteRange, merge
from flasher.image.usage import UsedBytes, merged
from tests.memory_blocks import MemoryBlocks

MIB = 1 << 20
SIZE = 12 * MIB
FAT, OTHER = ByteRange(2 * MIB, 3 * MIB), ByteRange(6 * MIB, 4 * MIB)
MAPPED = (ByteRange(MIB, 4096), ByteRange(3 * MIB, 4096), ByteRange(7 * MIB, 8192))


def image(partitions: Iterable[tuple[int, ByteRange]], *extents: tuple[int, bytes]) -> MemoryBlocks:
    table = Mbr(
        1,
        tuple(
            Partition(slot, kind, place.offset // SECTOR, place.length // SECTOR)
            for slot, (kind, place) in enumerate(partitions, 1)
        ),
    )
    blocks = MemoryBlocks(bytes(table).ljust(SIZE, b"\0"))
    for offset, data in extents:
        blocks.write(offset, data)
    return blocks


def used(blocks: MemoryBlocks, mapped: tuple[ByteRange, ...] | None) -> tuple[ByteRange, ...]:
    found = UsedBytes(blocks, mapped)
    first = list(found)
    assert first == sorted(first)
    assert all(a.end <= b.offset for a, b in pairwise(first))
    assert merge(first) == tuple(found) == merge(found)
    assert found.estimate == sum(each.length for each in first)
    return merge(first)


def test_without_a_map_all_is_used_zeros_included() -> None:
    assert used(image([(FAT32_LBA, FAT), (LINUX, OTHER)]), None) == (ByteRange(0, SIZE),)


def test_by_a_map_the_boot_partition_is_used_as_a_whole_all_the_same() -> None:
    blocks = image([(FAT32_LBA, FAT), (LINUX, OTHER)])
    assert used(blocks, MAPPED) == (MAPPED[0], FAT, MAPPED[2])


@pytest.mark.parametrize("kind", [0x05, 0x0F, 0x85])
def test_by_a_map_an_extended_partition_is_used_as_a_whole_whatever_is_in_it(kind: int) -> None:
    blocks = image([(kind, FAT), (LINUX, OTHER)])
    assert used(blocks, MAPPED) == (MAPPED[0], FAT, MAPPED[2])


@pytest.mark.parametrize("name", [(54, b"FAT16   "), (82, b"FAT32   ")])
def test_what_is_fat_by_its_boot_sector_counts_as_that(name: tuple[int, bytes]) -> None:
    at, text = name
    sector = [(FAT.offset + at, text), (FAT.offset + 510, b"\x55\xaa")]
    assert used(image([(LINUX, FAT)], *sector), MAPPED) == (MAPPED[0], FAT, MAPPED[2])


def test_partitions_of_a_gpt_count_by_what_is_in_them() -> None:
    fat = [(FAT.offset + 82, b"FAT32   "), (FAT.offset + 510, b"\x55\xaa")]
    header = b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 2, 4, 128)
    first, last = FAT.offset // SECTOR, FAT.end // SECTOR - 1
    entry = b"type".ljust(32, b"x") + struct.pack("<QQ", first, last)
    table = [(SECTOR, header), (2 * SECTOR + 128, entry)]
    blocks = image([(GPT_PROTECTIVE, ByteRange(512, SIZE - 512))], *table, *fat)
    assert used(blocks, MAPPED) == (MAPPED[0], FAT, MAPPED[2])


@pytest.mark.parametrize(
    "places",
    [
        (FAT, ByteRange(4 * MIB, MIB)),  # they overlap
        (FAT, ByteRange(11 * MIB, 2 * MIB)),  # one ends behind the image
    ],
)
def test_a_table_that_makes_no_sense_is_not_followed(places: tuple[ByteRange, ...]) -> None:
    blocks = image([(FAT32_LBA, place) for place in places])
    assert used(blocks, MAPPED) == MAPPED
    assert used(blocks, None) == (ByteRange(0, SIZE),)


def test_an_image_without_a_table_is_used_by_its_map_or_as_a_whole() -> None:
    blocks = MemoryBlocks(bytes(SIZE))
    assert used(blocks, MAPPED) == MAPPED
    assert used(blocks, None) == (ByteRange(0, SIZE),)


def test_ranges_grow_to_whole_units_and_none_is_kept_back_for_long() -> None:
    asked = 0

    def source() -> Iterable[ByteRange]:
        nonlocal asked
        for each in (ByteRange(5, 10), ByteRange(4097, 1), ByteRange(8192, 9 * MIB)):
            asked += 1
            yield each
        raise AssertionError("nobody asked for more")

    ranges = merged(source(), 4096)
    assert next(ranges) == ByteRange(0, 8192 + 9 * MIB)
    assert asked == 3
