"""What udisks2 and its bus say, as people hear it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from flasher.drives.bus import BusError
from flasher.drives.udisks import _explain
from flasher.errors import Cancelled, EnvironmentLacks, FlasherError

UDISKS = "org.freedesktop.UDisks2.Error"
BUS = "org.freedesktop.DBus.Error"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{UDISKS}.NotAuthorized", "You may not open /dev/sdx, and polkit does not let you"),
        (f"{UDISKS}.NotAuthorizedCanObtain", "polkit does not let you"),
        (f"{BUS}.ServiceUnknown", "is not installed"),
        (f"{BUS}.Spawn.ChildExited", "does not answer"),
        (f"{BUS}.NoReply", "does not answer"),
    ],
)
def test_who_is_not_let_in_hears_why_and_may_use_sudo(name: str, words: str) -> None:
    told = _explain(Path("/dev/sdx"), "open", BusError(name, ""))
    assert isinstance(told, EnvironmentLacks)
    assert words in told.message
    assert "sudo" in told.hint


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        (f"{UDISKS}.Failed", "Error opening device /dev/sdx: Read-only file system", errno.EROFS),
        (f"{UDISKS}.Failed", "Error opening device /dev/sdx: No medium found", errno.ENOMEDIUM),
        (f"{UDISKS}.DeviceBusy", "Error unmounting /dev/sdx1: target is busy", errno.EBUSY),
    ],
)
def test_what_the_kernel_said_stays_the_kernels_word(name: str, text: str, number: int) -> None:
    told = _explain(Path("/dev/sdx"), "open", BusError(name, text))
    assert isinstance(told, OSError)
    assert told.errno == number


def test_a_dialog_that_was_closed_is_no_failure() -> None:
    error = BusError(f"{UDISKS}.NotAuthorizedDismissed", "")
    assert isinstance(_explain(Path("/dev/sdx"), "open", error), Cancelled)


def test_anything_else_is_told_in_udisks2s_own_words() -> None:
    error = BusError(f"{BUS}.UnknownInterface", "No interface Filesystem")
    told = _explain(Path("/dev/sdx1"), "unmount", error)
    assert isinstance(told, FlasherError)
    assert told.message == "udisks2 could not unmount /dev/sdx1: No interface Filesystem."
