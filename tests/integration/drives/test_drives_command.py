"""`flasher drives`, and what must be typed before a drive is written."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest

from flasher.commands import drives as command
from flasher.commands._drives import add_serial, check_drives
from flasher.console import Console
from flasher.drives.files import create_virtual_card
from flasher.errors import BadInput, Refused
from flasher.process import run
from tests.integration.conftest import LoopMaker


def drives(*argv: str | Path) -> dict[str, object]:
    """Run the command; its JSON object."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    out = io.StringIO()
    args = parser.parse_args([str(word) for word in argv])
    assert command.run(args, Console(out, io.StringIO(), as_json=True)) == 0
    found: dict[str, object] = json.loads(out.getvalue())
    return found


def only(*argv: str | Path) -> dict[str, object]:
    (found,) = drives(*argv)["drives"]  # type: ignore[misc,attr-defined]
    return found  # type: ignore[no-any-return]


def test_all_that_is_known_of_a_drive_is_told(
    base_image: Path, tmp_path: Path, make_loop: LoopMaker
) -> None:
    card = tmp_path / "card.img"
    run(["cp", str(base_image), str(card)])
    for path in (make_loop(base_image, "--read-only"), card):
        found = only(path)
        assert (found["path"], found["size"]) == (str(path), base_image.stat().st_size)
        assert (found["node"], found["blank"], found["may_start_by_itself"]) == ("", False, False)
        boot, root = found["partitions"]  # type: ignore[misc]
        assert (boot["holds"], boot["label"], boot["offset"]) == ("FAT32", "bootfs", 1 << 20)
        assert (root["holds"], root["label"], root["number"]) == ("ext4", "rootfs", 2)


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_card_of_zeros_or_of_ones_is_blank_and_one_with_a_byte_in_a_sample_is_not(
    byte: bytes, tmp_path: Path, make_loop: LoopMaker
) -> None:
    backing = tmp_path / "backing"
    backing.write_bytes(byte * (8 << 20))
    assert only(make_loop(backing))["blank"] is True
    with backing.open("r+b") as handle:
        handle.seek(backing.stat().st_size - 100)
        handle.write(b"x")
    assert only(backing)["blank"] is False
    assert only(make_loop(backing))["blank"] is False


def test_encryption_without_a_header_is_not_blank(tmp_path: Path, make_loop: LoopMaker) -> None:
    backing = tmp_path / "backing"
    with Path("/dev/urandom").open("rb") as noise:
        backing.write_bytes(bytes(1 << 20) + noise.read(7 << 20))
    found = only(make_loop(backing))
    assert (found["blank"], found["holds"]) == (False, "no partition table")


def test_a_serial_that_is_of_no_drive_is_told(tmp_path: Path) -> None:
    card = create_virtual_card(tmp_path / "card.img", 1 << 20)
    parser = argparse.ArgumentParser()
    add_serial(parser)
    assert parser.parse_args([]).serial == []
    serials = parser.parse_args(["--serial", "A", "--serial", "B"]).serial
    with pytest.raises(BadInput, match="None of the drives has the serial A"):
        check_drives([card.path], serials)


def test_the_drive_that_holds_the_image_is_refused(tmp_path: Path, make_loop: LoopMaker) -> None:
    backing = create_virtual_card(tmp_path / "card.img", 8 << 20).path
    loop = make_loop(backing)
    with pytest.raises(Refused, match=f"{loop} is never written: it holds the image") as caught:
        check_drives([loop], images=[backing])
    assert caught.value.code == "holds-image"
    other = create_virtual_card(tmp_path / "other.img", 8 << 20).path
    assert [drive.path for drive in check_drives([loop], images=[other])] == [loop]


def test_what_has_no_serial_and_no_port_cannot_be_protected(
    tmp_path: Path, make_loop: LoopMaker
) -> None:
    loop = make_loop(create_virtual_card(tmp_path / "card.img", 1 << 20).path)
    with pytest.raises(BadInput, match="neither serial nor port"):
        drives("--protect", loop)
    with pytest.raises(BadInput, match="No such drive is protected"):
        drives("--unprotect", "4C53")


def test_a_protect_list_is_obeyed_by_every_look(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    listed = tmp_path / "data/protect.toml"
    listed.write_text('format = 1\n[[drive]]\nserial = "4C53"\nwhat = "backup"\n')
    expected = {"serial": "4C53", "port": "", "what": "backup"}
    assert drives("--unprotect", "4C53")["drives"] == [expected]
    assert listed.read_text() == "format = 1\n"
