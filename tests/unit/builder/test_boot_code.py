"""A boot loader's code and the partition table share the first sector, and nothing else."""

from __future__ import annotations

from builder.boot_code import lay_boot_code
from flasher.image.mbr import FAT32_LBA, Mbr, Partition

TABLE = bytes(Mbr(0x12345678, (Partition(1, FAT32_LBA, 8192, 2048),)))


def test_without_code_the_first_sector_is_the_table():
    assert lay_boot_code(b"", TABLE) == TABLE


def test_code_keeps_the_tables_place_free_and_goes_on_behind_it():
    code = b"\xeb\x63" + b"c" * 510 + b"core"
    first = lay_boot_code(code, TABLE)
    assert first[:440] == code[:440]
    assert first[440:512] == TABLE[440:]
    assert first[512:] == b"core"
    assert Mbr.from_bytes(first[:512]) == Mbr.from_bytes(TABLE)
