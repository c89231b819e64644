"""The partition table, read and written."""

from __future__ import annotations

import pytest

from flasher.errors import FlasherError
from flasher.image.mbr import FAT32_LBA, LINUX, Mbr, Partition

TABLE = Mbr(
    0x12345678,
    (Partition(1, FAT32_LBA, 8192, 524288, bootable=True), Partition(3, LINUX, 532480, 1)),
)


def test_a_table_reads_back_as_it_was_written() -> None:
    raw = bytes(TABLE)
    assert len(raw) == 512
    assert Mbr.from_bytes(raw) == TABLE


def test_offsets_and_sizes_are_in_bytes() -> None:
    assert TABLE.partitions[0].offset == 4 << 20
    assert TABLE.partitions[0].size == 256 << 20


@pytest.mark.parametrize("sector", [bytes(512), b"\xeb<\x90" + b"\xc3" * 507 + b"\x55\xaa"])
def test_a_sector_without_a_table_is_told_apart_from_an_empty_table(sector: bytes) -> None:
    with pytest.raises(FlasherError) as caught:
        Mbr.from_bytes(sector)
    assert caught.value.code == "no-partition-table"
    assert Mbr.from_bytes(bytes(Mbr(1, ()))).partitions == ()
