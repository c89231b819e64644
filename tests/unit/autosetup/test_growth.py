"""How far a partition may grow, decided from the bytes of the card alone."""

from __future__ import annotations

import dataclasses
import struct

import pytest

from autosetup.growth import Cannot, Partition, file_system_size, partition_end, with_size

BOOT, ROOT = (8192, 524288), (532480, 2097152)
PARTITION = Partition(2, "mmcblk0p2", "mmcblk0", *ROOT, disk_size=62_332_928)


def table(*partitions: tuple[int, int], kind: int = 0x83) -> bytes:
    entries = b"".join(
        struct.pack("<4xB3xII", kind, start, size) for start, size in partitions
    ).ljust(64, b"\0")
    return b"\xfa" * 446 + entries + b"\x55\xaa"


def test_the_last_partition_may_reach_the_last_whole_mebibyte_of_the_card() -> None:
    unaligned = dataclasses.replace(PARTITION, disk_size=62_332_928 + 2047)
    assert partition_end(table(BOOT, ROOT), unaligned) == 62_332_928


def test_nothing_but_the_length_changes_in_the_table() -> None:
    old = table(BOOT, ROOT)
    assert with_size(old, PARTITION, 5_000_000) == table(BOOT, (ROOT[0], 5_000_000))


def test_a_partition_is_never_made_smaller() -> None:
    beyond = dataclasses.replace(PARTITION, disk_size=sum(ROOT) - 100)
    assert partition_end(table(BOOT, ROOT), beyond) == sum(ROOT)


def test_a_partition_stays_within_what_the_table_can_say() -> None:
    huge = dataclasses.replace(PARTITION, disk_size=1 << 34)
    assert partition_end(table(BOOT, ROOT), huge) == ROOT[0] + (1 << 32) - 1


@pytest.mark.parametrize(
    ("found", "partition", "why"),
    [
        (table(BOOT, ROOT, (4_000_000, 8)), PARTITION, "another partition lies behind it"),
        (table((1, 60_000_000), kind=0xEE), PARTITION, "another kind than MBR"),
        (bytes(512), PARTITION, "another kind than MBR"),
        (table(BOOT, (532481, 9)), PARTITION, "not one of the four"),
        (table(BOOT, ROOT), dataclasses.replace(PARTITION, number=5), "not one of the four"),
    ],
)
def test_what_cannot_grow_is_told(found: bytes, partition: Partition, why: str) -> None:
    with pytest.raises(Cannot, match=why):
        partition_end(found, partition)


def superblock(blocks: int, log_size: int = 2, *, wide: bool = True) -> bytes:
    raw = bytearray(1024)
    struct.pack_into("<I", raw, 4, blocks & 0xFFFFFFFF)
    struct.pack_into("<I", raw, 24, log_size)
    struct.pack_into("<H", raw, 56, 0xEF53)
    struct.pack_into("<I", raw, 96, 0x80 if wide else 0)
    struct.pack_into("<I", raw, 336, blocks >> 32)
    return bytes(raw)


def test_the_size_of_a_file_system_is_known_from_its_superblock() -> None:
    assert file_system_size(superblock(1000)) == 4_096_000
    assert file_system_size(superblock(1000, log_size=0)) == 1_024_000
    assert file_system_size(superblock(1 << 33)) == 1 << 45
    assert file_system_size(superblock((1 << 32) + 7, wide=False)) == 7 * 4096


@pytest.mark.parametrize("raw", [bytes(1024), superblock(1)[:1000], b""])
def test_another_file_system_is_told(raw: bytes) -> None:
    with pytest.raises(Cannot, match="another kind than ext4"):
        file_system_size(raw)
