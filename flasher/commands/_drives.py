"""Looking at every drive that was named before the first of them is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard
from flasher.errors import BadInput, FlasherError
from flasher.progress import readable_size


def check_drives(places: Iterable[Path | str]) -> list[Drive]:
    """The drives behind paths, each of which may be written and is named once.

    Raises:
        Refused: one of them may never be written.
        BadInput: there is none, or one is named twice, under whatever name.
    """
    drives = [guard(find_drive(str(place))) for place in places]
    seen: dict[str, Drive] = {}
    for drive in drives:
        twin = seen.setdefault(drive.identity or str(drive.path), drive)
        if twin is not drive:
            what = f"{drive.path} is named twice."
            raise BadInput("drive-twice", what, "The second card would erase the first.")
    return drives


def check_sizes(drives: Iterable[Drive], needed: int) -> None:
    """Refuse drives that are too small or write-protected.

    Raises:
        BadInput: ``card-too-small``.
        FlasherError: ``card-read-only``.
    """
    for drive in drives:
        if drive.size < needed:
            raise too_small(str(drive.path), drive.size, needed)
        if drive.read_only:
            what = f"The card in {drive.path} is write-protected."
            raise FlasherError("card-read-only", what, "Slide the lock on its side.")


def too_small(what: str, size: int, needed: int) -> BadInput:
    """The error for a card that cannot hold an image."""
    return BadInput(
        "card-too-small",
        f"{what} has {readable_size(size)}; {readable_size(needed)} are needed.",
        "Take a larger card.",
    )
