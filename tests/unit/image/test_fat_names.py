"""Names and folders of FAT, as bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasher.errors import BadInput, FlasherError
from flasher.image import fat_boot, fat_slots, mbr
from flasher.image.fat import FatVolume
from flasher.image.fat_directory import add, find, read_entries, strike
from flasher.image.fat_names import check_name, exact_short_name, numbered_short_name
from flasher.image.fat_slots import ARCHIVE, SLOT, new_slot
from flasher.image.structure import Structure, layout
from tests.memory_blocks import MemoryBlocks

MOMENT = datetime(2026, 7, 8, 9, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("structure", "size"),
    [
        (mbr._Sector, 512),
        (mbr._Entry, 16),
        (fat_boot.BootSector, 36),
        (fat_boot.Fat16Part, 26),
        (fat_boot.Fat32Part, 54),
        (fat_boot.InfoSector, 512),
        (fat_slots.ShortSlot, 32),
        (fat_slots.LongSlot, 32),
    ],
)
def test_structures_have_no_gaps_and_the_size_that_the_format_says(
    structure: type[Structure], size: int
) -> None:
    assert layout(structure)[1].size == size  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "raw", "case"),
    [
        ("CONFIG.TXT", b"CONFIG  TXT", 0x00),
        ("config.txt", b"CONFIG  TXT", 0x18),
        ("config.TXT", b"CONFIG  TXT", 0x08),
        ("CONFIG.txt", b"CONFIG  TXT", 0x10),
        ("ssh", b"SSH        ", 0x08),
        ("ABC-1_~2", b"ABC-1_~2   ", 0x00),
    ],
)
def test_a_plain_name_fits_in_8_3_with_its_cases(name: str, raw: bytes, case: int) -> None:
    short = exact_short_name(name)
    assert short is not None
    assert (short.raw, short.case, str(short)) == (raw, case, name)


@pytest.mark.parametrize(
    "name",
    ["node.toml", "Config.txt", "a.b.c", ".hidden", "nine-long", "a b", "a+b", "é", "straße"],
)
def test_other_names_need_a_long_one(name: str) -> None:
    assert exact_short_name(name) is None


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("node.toml", b"NODE~1  TOM"),
        ("Program files.tar.gz", b"PROGRA~1GZ "),
        (".profile", b"PROFIL~1   "),
        ("日本.txt", b"__~1    TXT"),
        ("straße", b"STRASS~1   "),
    ],
)
def test_a_long_name_gets_a_numbered_short_one(name: str, raw: bytes) -> None:
    assert numbered_short_name(name, set()).raw == raw


def test_numbers_go_on_where_names_are_taken() -> None:
    taken: set[bytes] = set()
    for _ in range(12):
        taken.add(numbered_short_name("some long name", taken).raw)
    assert {b"SOMELO~9   ", b"SOMEL~10   ", b"SOMEL~12   "} <= taken


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a:b", 'q"', "tab\t", "end.", "end ", " start", "x" * 256, "\ud800"],
)
def test_names_that_no_file_can_have_are_refused(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_name(name)
    assert caught.value.code == "fat-name"


names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=40)


def good(name: str) -> bool:
    try:
        check_name(name)
    except BadInput:
        return False
    return True


@given(st.lists(st.tuples(names.filter(good), st.booleans()), max_size=8))
def test_names_put_into_a_folder_are_found_there_until_they_are_struck_out(
    steps: list[tuple[str, bool]],
) -> None:
    folder = bytes(4 * SLOT) + b"\xff" * 2 * SLOT  # rubbish behind the end mark
    kept: list[str] = []
    for name, then_strike in steps:
        if find(folder, name) is None:
            folder = add(folder, name, new_slot(7, 9, ARCHIVE, MOMENT))
            kept.append(name)
        if kept and then_strike:
            entry = find(folder, kept.pop())
            assert entry is not None
            folder = strike(folder, entry)
    assert sorted(entry.name for entry in read_entries(folder)) == sorted(kept)


@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        (MOMENT, MOMENT),
        (MOMENT.replace(second=13), MOMENT),
        (MOMENT.replace(tzinfo=timezone(timedelta(hours=2))), MOMENT - timedelta(hours=2)),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1980, 1, 1, tzinfo=UTC)),
        (datetime(2200, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)),
    ],
)
def test_times_are_kept_in_utc_in_steps_of_2_seconds(moment: datetime, kept: datetime) -> None:
    (entry,) = read_entries(add(b"", "a", new_slot(0, 0, ARCHIVE, moment)))
    assert entry.modified == kept


@pytest.mark.parametrize(
    ("sector", "what"),
    [
        (bytes(512), "no file system"),
        (b"\xeb\x76\x90EXFAT   ".ljust(510, b"\0") + b"\x55\xaa", "exFAT"),
        (b"\xeb\x52\x90NTFS    ".ljust(510, b"\0") + b"\x55\xaa", "NTFS"),
        (b"\xeb\x3c\x90mkfs.fat".ljust(510, b"\0") + b"\x55\xaa", "damaged"),
    ],
)
def test_what_is_not_fat_is_refused_with_a_word_why(sector: bytes, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        FatVolume(MemoryBlocks(sector + bytes(4096)))
    assert caught.value.code == "not-fat"


def test_a_volume_that_ends_before_its_first_sector_does_is_an_error_not_a_crash() -> None:
    with pytest.raises(FlasherError):
        FatVolume(MemoryBlocks(bytes(100)))
