"""Drives and readers that a person told never to write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.drives.model import Drive
from flasher.drives.protect import (
    Protection,
    protect,
    protect_file,
    read_protected,
    unprotect,
    why_protected,
)
from flasher.errors import BadDocument, BadInput

STICK = Drive(
    Path("/dev/sda"), 1, "usb", vendor="SanDisk", model="Blade", serial="4C53", port="usb 1-2:lun0"
)


def test_a_drive_is_protected_by_its_serial_or_by_its_port_and_released_again() -> None:
    assert read_protected() == ()
    assert protect(STICK) == Protection(serial="4C53", what="SanDisk Blade")
    protect(STICK)
    protect(STICK, by_port=True)
    listed = read_protected()
    assert list(map(str, listed)) == ["serial 4C53", "port usb 1-2:lun0"]
    assert why_protected("4C53", "usb 9-9", listed) == "serial 4C53"
    assert why_protected("other", "usb 1-2:lun0", listed) == "port usb 1-2:lun0"
    assert why_protected("", "", listed) is None
    assert unprotect("4C53", "usb 1-2:lun0") == listed
    assert read_protected() == ()
    with pytest.raises(BadInput, match="No such drive is protected"):
        unprotect("4C53", "")


def test_a_reader_is_protected_with_all_its_slots_and_no_other_reader() -> None:
    reader = [Protection(port="usb 1-2")]
    assert why_protected("", "usb 1-2:lun0", reader)
    assert why_protected("", "usb 1-2", reader)
    assert not why_protected("", "usb 1-2.3:lun0", reader)
    assert not why_protected("", "usb 1-21:lun0", reader)


@pytest.mark.parametrize(
    "text", ["format = 1\n[[drive]]\n", 'format = 1\n[[drive]]\nserial = "a"\nport = "b"\n', "fo"]
)
def test_a_list_that_is_no_list_lets_nothing_pass(text: str) -> None:
    protect_file().parent.mkdir(parents=True)
    protect_file().write_text(text)
    with pytest.raises(BadDocument, match="protect list"):
        read_protected()


def test_what_cannot_be_known_again_cannot_be_protected() -> None:
    with pytest.raises(BadInput, match="neither serial nor port"):
        protect(Drive(Path("/dev/loop0"), 1, "loop"))
