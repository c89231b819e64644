"""Virtual cards and how they are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard
from flasher.errors import BadInput, ExitCode, Refused


def test_a_new_virtual_card_is_empty_takes_no_room_and_may_be_written(tmp_path: Path) -> None:
    card = create_virtual_card(tmp_path / "deep/card.img", 8 << 30)
    assert (card.size, card.holds, card.refusal) == (8 << 30, "empty", None)
    assert card.path.stat().st_blocks == 0
    assert guard(card) == find_drive(str(card.path)) == card


def test_an_existing_file_is_never_overwritten_by_creating(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"precious")
    with pytest.raises(BadInput, match="there already"):
        create_virtual_card(path, 1 << 20)
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("size", [0, -512, 1000])
def test_an_impossible_size_makes_no_file(size: int, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        create_virtual_card(tmp_path / "card.img", size)
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_a_single_byte_in_it_is_not_called_empty(tmp_path: Path) -> None:
    card = create_virtual_card(tmp_path / "card.img", 1 << 30)
    with card.path.open("r+b") as handle:
        handle.seek(123_456_789)
        handle.write(b"x")
    assert find_drive(str(card.path)).holds == "no partition table"


def test_what_is_neither_drive_nor_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no drive"):
        find_drive(str(tmp_path / "nothing"))
    with pytest.raises(BadInput, match="neither"):
        find_drive(str(tmp_path))


def test_a_refused_drive_is_refused_with_exit_code_3() -> None:
    disk = Drive(Path("/dev/nvme0n1"), 10**12, "nvme", refusal="it is the system's own")
    with pytest.raises(Refused, match="it is the system's own") as caught:
        guard(disk)
    assert caught.value.exit_code == ExitCode.REFUSED
