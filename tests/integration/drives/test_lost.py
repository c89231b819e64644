"""What would be lost on a card is named, whatever made it, and however damaged it is."""

from __future__ import annotations

import os
import random
import sys
import zlib
from pathlib import Path

import pexpect
import pytest

from flasher.drives.files import file_drive
from flasher.drives.lost import LostFile, lost_on
from flasher.image.blocks import FileBlocks
from flasher.image.exfat import ExfatVolume
from flasher.process import run
from tests.integration.drives import exfat_card

MIB = 1 << 20
PHOTOS = {"DCIM/100CANON/IMG_2041.JPG": 90_000, "DCIM/100CANON/IMG_2042.JPG": 30_000, "A.TXT": 5}


@pytest.fixture
def card(tmp_path: Path) -> Path:
    made = tmp_path / "card.img"
    with made.open("wb") as handle:
        handle.truncate(64 * MIB)
    return made


def fill_fat(card: Path, offset: int) -> None:
    place = f"{card}@@{offset}"
    run(["mmd", "-i", place, "::/DCIM", "::/DCIM/100CANON"])
    for name, size in PHOTOS.items():
        run(["mcopy", "-i", place, "-", f"::/{name}"], stdin=b"\xff" * size)


@pytest.mark.parametrize("offset", [0, MIB])
def test_the_photos_on_a_card_are_counted_and_the_largest_named(card: Path, offset: int) -> None:
    if offset:
        run(["sfdisk", "-q", str(card)], stdin=b"label: dos\n2048,,c\n")
    whole = ["-n", "EOS", "--offset", str(offset // 512), str(card), str(60 * 1024)]
    run(["mkfs.fat", "-F", "32", "-s", "1", *whole])
    fill_fat(card, offset)
    (found,) = lost_on(file_drive(card))
    assert (found.holds, found.label, found.count, found.size) == ("FAT32", "EOS", 3, 120_005)
    assert [name.path for name in found.largest] == list(PHOTOS)
    assert found.is_all
    assert found.is_known


def test_a_label_gives_no_orders_to_the_terminal(card: Path) -> None:
    run(["mkfs.fat", "-F", "32", "-s", "1", "-n", "EOS_DIGITAL", str(card), str(60 * 1024)])
    raw = card.read_bytes()
    boot, root = raw.find(b"EOS_DIGITAL"), raw.rfind(b"EOS_DIGITAL")
    with card.open("r+b") as handle:
        for offset, label in ((boot, b"NO NAME    "), (root, b"\x1bc\x1b]0;PWNED")):
            handle.seek(offset)
            handle.write(label)
    (found,) = lost_on(file_drive(card))
    assert found.label == "?c?]0;PWNED"


def test_a_camera_s_exfat_is_named_as_well_and_fsck_finds_it_right(card: Path) -> None:
    run(["mkfs.exfat", "-L", "EOS_DIGITAL", str(card)])
    exfat_card.add(card, "DCIM", {"IMG_0001.JPG": 70_000, "A REALLY LONG NAME.MP4": 200_000})
    run(["fsck.exfat", "-n", str(card)])
    (found,) = lost_on(file_drive(card))
    assert (found.holds, found.label, found.count) == ("exFAT", "EOS_DIGITAL", 2)
    assert found.largest[0] == LostFile("DCIM/A REALLY LONG NAME.MP4", 200_000)
    assert found.is_all


def test_the_command_line_names_them_before_it_is_told_yes(card: Path, base_image: Path) -> None:
    run(["mkfs.fat", "-F", "32", "-s", "1", "-n", "EOS", str(card)])
    fill_fat(card, 0)
    before = card.read_bytes()
    argv = ["-m", "flasher", "write", str(base_image), str(card)]
    with pexpect.spawn(sys.executable, argv, encoding="utf-8", timeout=60) as terminal:
        terminal.expect_exact("Type yes to go on: ")
        assert "EOS: 3 files, 120.0 kB: DCIM/100CANON/IMG_2041.JPG (90.0 kB)" in terminal.before
        terminal.sendline("no")
        terminal.expect(pexpect.EOF)
    assert card.read_bytes() == before


def test_a_blank_card_loses_nothing_and_a_foreign_system_is_named_by_its_kind(card: Path) -> None:
    assert lost_on(file_drive(card)) == ()
    run(["sfdisk", "-q", str(card)], stdin=b"label: dos\n2048,,83\n")
    run(["mke2fs", "-q", "-t", "ext4", "-L", "home", "-E", f"offset={MIB}", str(card), "60M"])
    (found,) = lost_on(file_drive(card))
    assert (found.holds, found.label, found.is_known) == ("ext4", "home", False)


def test_a_look_is_bounded(card: Path) -> None:
    run(["mkfs.fat", "-F", "32", "-s", "1", str(card)])
    fill_fat(card, 0)
    (found,) = lost_on(file_drive(card), seconds=0)
    assert not found.is_all


@pytest.mark.parametrize("make", [["mkfs.fat", "-F", "32", "-s", "1"], ["mkfs.exfat"]])
def test_damage_is_never_an_error(card: Path, make: list[str]) -> None:
    run([*make, str(card)])
    if make[0] == "mkfs.fat":
        fill_fat(card, 0)
    else:
        exfat_card.add(card, "DCIM", {"IMG_0001.JPG": 70_000})
    dice = random.Random(zlib.crc32(make[0].encode()))  # noqa: S311 - to be repeated
    whole = card.read_bytes()[: 6 * MIB]
    for _ in range(60):
        with card.open("r+b") as handle:
            handle.write(whole)
            for _ in range(8):
                handle.seek(dice.choice([dice.randrange(512), dice.randrange(len(whole))]))
                handle.write(dice.randbytes(dice.randrange(1, 32)))
        lost_on(file_drive(card))
    os.truncate(card, MIB)
    lost_on(file_drive(card))


def test_a_folder_in_itself_ends(card: Path) -> None:
    run(["mkfs.exfat", str(card)])
    exfat_card.add(card, "DCIM", {"IMG_0001.JPG": 70_000}, loop=True)
    (found,) = lost_on(file_drive(card))
    assert not found.is_all
    with FileBlocks(card) as blocks:
        assert ExfatVolume(blocks).label == ""
