"""Cards let go: real block devices, and files that stand for cards."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flasher.drives.eject import eject_drive
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.drives.linux import LinuxCatalog
from flasher.errors import Refused
from flasher.process import run


def test_what_is_mounted_is_unmounted_and_all_of_it_is_on_the_card(
    used_card: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    run(["mount", f"{used_card}p2", str(place)])
    (place / "late").write_text("written a moment ago")
    done = subprocess.run(
        [sys.executable, "-m", "flasher", "eject", str(used_card)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"Nothing holds {used_card} any more." in done.stdout
    assert not place.is_mount()
    run(["e2fsck", "-fn", f"{used_card}p2"])
    assert run(["debugfs", "-R", "cat late", f"{used_card}p2"]).text == "written a moment ago"


def test_a_card_that_a_program_works_with_stays(used_card: Path, tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    run(["mount", f"{used_card}p2", str(place)])
    try:
        with (place / "open").open("w"), pytest.raises(Refused, match="open"):
            eject_drive(find_drive(str(used_card)))
        assert place.is_mount()
    finally:
        run(["umount", str(place)])


def test_this_computers_own_disk_stays(tmp_path: Path) -> None:
    card = create_virtual_card(tmp_path / "card.img", 1 << 20)
    disks = [drive for drive in LinuxCatalog().drives() if drive.refusal]
    for disk in (replace(card, refusal="it holds / of this computer"), *disks):
        with pytest.raises(Refused, match="never let go"):
            eject_drive(disk)


def test_a_disk_that_is_written_only_by_its_serial_is_let_go_without(tmp_path: Path) -> None:
    card = create_virtual_card(tmp_path / "card.img", 1 << 20)
    assert not eject_drive(replace(card, caution="it is a USB disk, by its own word"))


def test_a_file_that_stands_for_a_card_has_no_reader(tmp_path: Path) -> None:
    assert not eject_drive(create_virtual_card(tmp_path / "card.img", 1 << 20))
