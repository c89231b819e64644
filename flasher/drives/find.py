"""From what a person typed to a drive."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from flasher.drives.files import file_drive
from flasher.drives.linux import LinuxCatalog
from flasher.drives.model import Drive
from flasher.errors import BadInput


def find_drive(argument: str) -> Drive:
    """The drive behind a path: of a block device, or of a regular file as a virtual card.

    Raises:
        BadInput: there is nothing, or it is neither.
    """
    path = Path(argument)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        what = f"There is no drive {argument} ({error.strerror})."
        hint = "`flasher drives` lists the drives; `prepare --size 8G` creates a virtual card."
        raise BadInput("no-such-drive", what, hint) from None
    if stat.S_ISBLK(mode):
        return LinuxCatalog().find(argument)
    if stat.S_ISREG(mode):
        return file_drive(path)
    what = f"{argument} is neither a drive nor a file."
    raise BadInput("no-drive", what, "`flasher drives` lists the drives.")


def look_again(drive: Drive) -> Drive:
    """The drive that is now where a chosen one was; what a person typed of that one still counts.

    Raises:
        BadInput: there is none any more.
    """
    found = find_drive(str(drive.path))
    return replace(found, named=drive.named and found.serial == drive.serial)
