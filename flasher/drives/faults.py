"""What the kernel says when a drive goes wrong, in words for the person who holds the card."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flasher.drives.holders import holders_of
from flasher.drives.usage import devices_of
from flasher.errors import BadInput, EnvironmentLacks, FlasherError, Refused

_GONE = {errno.ENXIO, errno.ENODEV, errno.ENOMEDIUM, errno.ESTALE, errno.ESHUTDOWN}
# What is written to a drive that has lost its card is beyond its end, which is 0 then.
_PERHAPS_GONE = {errno.EIO, errno.ENOSPC}
_LOCKED = {errno.EROFS, errno.EPERM}
# The code of what may go well the next time.
FAILED = "card-failed"


@contextmanager
def card_faults(path: Path, doing: str) -> Iterator[None]:
    """Turn the kernel's errors into ours; `doing` completes "while …", such as ``writing``."""
    try:
        yield
    except OSError as error:
        raise explain(error, path, doing) from error


def explain(error: OSError, path: Path, doing: str) -> FlasherError:
    """The error that a person gets for one from the kernel."""
    number = error.errno
    if number in _GONE or (number in _PERHAPS_GONE and is_gone(path)):
        what = f"The card in {path} was pulled out while {doing}."
        return FlasherError("card-pulled", what, "Put it back in and start again.")
    if number in _LOCKED:
        return write_protected(path)
    if number == errno.ENOSPC:
        return _no_space(path)
    if number == errno.EACCES:
        what = f"You may not open {path}."
        return EnvironmentLacks("no-permission", what, "Run the command with sudo.")
    if number == errno.EBUSY:
        return _busy(path)
    if number == errno.ENOENT:
        what = f"There is no drive {path} any more."
        return BadInput("no-such-drive", what, "`flasher drives` lists those that are there.")
    reason = os.strerror(number) if number else str(error)
    return FlasherError(
        FAILED,
        f"{path} failed while {doing}: {reason}.",
        "Try again, then another reader; if it fails there too, throw the card away.",
    )


def write_protected(path: Path) -> FlasherError:
    """The error for a card whose lock is on."""
    what = f"The card in {path} is write-protected."
    hint = "Take it out, slide the lock on its side, and put it back in."
    return FlasherError("card-read-only", what, hint)


def is_gone(path: Path) -> bool:
    """Whether a block device has left, or lost its card."""
    try:
        with path.open("rb", buffering=0) as handle:
            return handle.seek(0, os.SEEK_END) == 0
    except PermissionError:  # it was opened through udisks2
        return _size_told_by_kernel(path) == 0
    except OSError:
        return True


def _size_told_by_kernel(path: Path) -> int:
    """In sectors; 0 for a device that has left, and for a reader without a card."""
    with suppress(OSError):
        return int(Path("/sys/class/block", path.name, "size").read_text())
    return 0


def _busy(path: Path) -> Refused:
    """Who has a drive, where that can be seen."""
    devices = devices_of(path.name).values() if path.is_block_device() else ()
    holders = holders_of({str(path), *(f"/dev/{folder.name}" for folder in devices)})
    who = f": {holders[0]}" if holders else " by another program, or mounted"
    what = f"{path} is in use{who}."
    return Refused("drive-busy", what, "Close what uses it, or unmount it, and try again.")


def _no_space(path: Path) -> FlasherError:
    if path.is_file():
        what = f"The disk that holds {path} is full."
        return FlasherError("disk-full", what, "Free some space, or put it on another disk.")
    what = f"The card in {path} ends before the size that it announces."
    return FlasherError("card-too-small", what, "Take another card: this one is counterfeit.")
