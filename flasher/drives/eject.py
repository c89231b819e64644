"""Letting a card go: all of it flushed, nothing mounted, and the reader told to give it back.

A card is held exclusively from its first byte on, so that nothing is mounted from it meanwhile.
A reader that gave it back before the hold ends leaves automounters nothing to write to.

Constants of ioctls after Linux's include/uapi/linux/cdrom.h, include/uapi/linux/fs.h and
include/scsi/scsi_ioctl.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

from flasher.drives.faults import card_faults
from flasher.drives.model import Drive
from flasher.drives.unmount import unmount_drive
from flasher.errors import Refused

_CDROMEJECT = 0x5309
_DOOR_UNLOCK = 0x5381
_BLKROSET = 0x125D


def let_go(descriptor: int) -> bool:
    """Have a reader give back the card that we still hold; all of it must be flushed.

    A slot for SD cards cannot; there the kernel takes no more writes until the card is taken out,
    if we are root.

    Returns:
        Whether it did.
    """
    with suppress(OSError):  # most readers have no door
        fcntl.ioctl(descriptor, _DOOR_UNLOCK, 0)
    with suppress(OSError):
        # A reader's own no comes as a number, the status of its SCSI command.
        if fcntl.ioctl(descriptor, _CDROMEJECT, 0) == 0:
            return True
    if _is_in_slot(descriptor):
        with suppress(OSError):
            forbid_writes(descriptor)
    return False


def forbid_writes(descriptor: int) -> None:
    """Have the kernel take no more writes to a block device: what mounts it mounts it read-only.

    Not for USB readers, to which that would stick when the next card comes; a slot's device goes
    with its card.

    Raises:
        OSError: ``EACCES``, you are not root.
    """
    fcntl.ioctl(descriptor, _BLKROSET, struct.pack("=i", 1))


def _is_in_slot(descriptor: int) -> bool:
    found = os.fstat(descriptor)
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    name = Path("/sys/dev/block", number).resolve().name
    return stat.S_ISBLK(found.st_mode) and name.startswith("mmcblk")


def check_loose(drive: Drive) -> Drive:
    """The drive itself, if it may be taken out; its serial need not be typed for that.

    Raises:
        Refused: it is one of this computer's, or protected.
    """
    if drive.refusal is not None:
        what = f"{drive.path} is never let go: {drive.refusal}."
        hint = "`flasher drives` lists the cards that are there."
        raise Refused("drive-refused", what, hint)
    return drive


def eject_drive(drive: Drive) -> bool:
    """Unmount all of a card politely, flush it, and have its reader give it back.

    Returns:
        Whether the reader did; where not, the card can be taken out all the same.

    Raises:
        Refused: it is no card, or a program uses it.
        FlasherError: it cannot be unmounted or flushed.
        EnvironmentLacks: you may not.
    """
    unmount_drive(check_loose(drive))
    exclusive = 0 if drive.kind == "file" else os.O_EXCL
    with card_faults(drive.path, "letting it go"):
        try:
            # To write nothing is to give udev no reason to look at the card once more.
            descriptor = os.open(drive.path, os.O_RDONLY | os.O_CLOEXEC | exclusive)
        except PermissionError:
            if drive.kind == "file" or os.geteuid() == 0:
                raise
            return _eject_through_udisks(drive)
        try:
            os.fsync(descriptor)
            return let_go(descriptor)
        finally:
            os.close(descriptor)


def parting_words(drive: Drive, *, ejected: bool) -> str:
    """What a person does now with a card that is let go."""
    if drive.kind in ("file", "loop"):
        return f"Nothing holds {drive.path} any more."
    if ejected:
        return f"{drive.path} has let go of its card: take it out."
    return f"All is on the card in {drive.path}: take it out now, before something mounts it."


def _eject_through_udisks(drive: Drive) -> bool:
    if drive.kind == "mmc":  # udisks2 would try, and fail
        return False
    from flasher.drives.udisks import eject_device

    try:
        eject_device(drive.path)
    except OSError as error:
        if error.errno == errno.ENOTTY:
            return False
        raise
    return True
