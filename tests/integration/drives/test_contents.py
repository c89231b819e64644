"""What partitions hold, with blkid as the judge; and drives that do not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.drives.contents import Extent, Place, look_at
from flasher.drives.linux import LinuxCatalog
from flasher.process import run
from tests.faults.disk import Fault
from tests.faults.faulty_card import faulty_card

START, SIZE = 1 << 20, 40 << 20


@pytest.mark.parametrize(
    ("argv", "holds", "label"),
    [
        (("mkfs.fat", "-F", "12", "-n", "TWELVE"), "FAT12", "TWELVE"),
        (("mkfs.fat", "-F", "16", "-n", "SIXTEEN"), "FAT16", "SIXTEEN"),
        (("mkfs.fat", "-F", "32", "-s", "1"), "FAT32", ""),
        (("mke2fs", "-q", "-t", "ext2", "-L", "two"), "ext2", "two"),
        (("mke2fs", "-q", "-t", "ext3"), "ext3", ""),
        (("mke2fs", "-q", "-t", "ext4", "-L", "a-name-of-16-byt"), "ext4", "a-name-of-16-byt"),
        (("mkswap",), "swap", ""),
    ],
)
def test_file_systems_are_told_as_blkid_tells_them(
    argv: tuple[str, ...], holds: str, label: str, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    with part.open("wb") as handle:
        handle.truncate(SIZE)
    run([*argv, str(part)])
    judged = run(["blkid", "--probe", "--output", "export", str(part)]).text
    assert {"ext": holds, "swa": "swap"}.get(holds[:3], "vfat") in judged
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(START) + part.read_bytes())
    (found,) = look_at(Place(disk, (Extent(3, START, SIZE),))).partitions
    assert (found.number, found.offset, found.size) == (3, START, SIZE)
    assert (found.holds, found.label) == (holds, label)


def test_an_encrypted_partition_and_one_of_a_gpt_are_told(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as handle:
        handle.truncate(SIZE)
    run(["sfdisk", "-q", str(disk)], stdin=b"label: gpt\nstart=2048\n")
    with disk.open("r+b") as handle:
        handle.seek(START)
        handle.write(b"LUKS\xba\xbe\x00\x02")
    found = look_at(Place(disk, (Extent(1, START, SIZE - 2 * START),)))
    assert [one.holds for one in found.partitions] == ["LUKS"]
    assert not found.blank


def test_a_partition_that_begins_or_ends_beyond_the_drive_hides_nothing_else(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(2 << 20))
    beyond = (Extent(1, 1 << 30, 1 << 20), Extent(2, 1 << 20, 1 << 40))
    found = look_at(Place(disk, beyond))
    assert [one.holds for one in found.partitions] == ["unknown", "unknown"]


def test_a_drive_that_does_not_answer_holds_up_no_other(tmp_path: Path) -> None:
    with (
        faulty_card(tmp_path / "stalled", 16 << 20) as stalled,
        faulty_card(tmp_path / "well", 16 << 20) as well,
    ):
        catalog = LinuxCatalog(frozenset({stalled.path.name, well.path.name}), patience=2)
        assert [drive.holds for drive in catalog.drives()] == ["empty", "empty"]
        run(["blockdev", "--flushbufs", str(stalled.path)])
        stalled.spoil(Fault("stall", "read"))
        for _ in range(2):
            holds = {drive.path: drive.holds for drive in catalog.drives()}
            assert holds == {well.path: "empty", stalled.path: "unknown: it does not answer"}
        stalled.spoil()
        while any(drive.holds != "empty" for drive in catalog.drives()):
            pass
