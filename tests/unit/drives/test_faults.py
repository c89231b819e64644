"""What people hear when a card goes wrong."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from flasher.drives.faults import card_faults, explain
from flasher.errors import ExitCode, FlasherError


@pytest.mark.parametrize(
    ("number", "code", "exit_code"),
    [
        (errno.ENOMEDIUM, "card-pulled", ExitCode.FAILED),
        (errno.ENXIO, "card-pulled", ExitCode.FAILED),
        (errno.ENODEV, "card-pulled", ExitCode.FAILED),
        (errno.EROFS, "card-read-only", ExitCode.FAILED),
        (errno.EPERM, "card-read-only", ExitCode.FAILED),
        (errno.EACCES, "no-permission", ExitCode.ENVIRONMENT),
        (errno.EBUSY, "drive-busy", ExitCode.REFUSED),
        (errno.ENOENT, "no-such-drive", ExitCode.USAGE),
        (errno.ENOSPC, "disk-full", ExitCode.FAILED),
        (errno.EIO, "card-failed", ExitCode.FAILED),
    ],
)
def test_each_fault_has_its_own_words_and_exit_code(
    number: int, code: str, exit_code: ExitCode, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    card.write_bytes(b"still there")
    told = explain(OSError(number, "x"), card, "writing")
    assert (told.code, told.exit_code) == (code, exit_code)
    assert str(card) in told.message
    assert told.hint


def test_an_error_from_a_device_that_has_left_means_that_it_was_pulled(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with (
        pytest.raises(FlasherError, match="was pulled out while reading back") as caught,
        card_faults(gone, "reading back"),
    ):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.code == "card-pulled"
