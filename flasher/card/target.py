"""A drive held to be written, exclusively and surely the right one.

Or only to be read, which takes neither right nor reason to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from flasher.card.drive_target import DriveTarget
from flasher.card.memory import BLOCK
from flasher.drives.faults import card_faults, write_protected
from flasher.drives.find import look_again
from flasher.drives.model import Drive, guard
from flasher.drives.opening import open_drive
from flasher.drives.unmount import require_no_writer, unmount_drive
from flasher.errors import BadInput, FlasherError
from flasher.image.ranges import ByteRange

__all__ = ["BLOCK", "DriveTarget", "Held", "Target", "open_for_reading", "open_target"]


class Target(Protocol):
    """What a card is written to and read back from.

    Offsets and lengths up to `BLOCK` bytes; whole sectors, but for the end.
    """

    @property
    def path(self) -> Path:
        """Device node or file."""
        ...

    @property
    def size(self) -> int:
        """Bytes it can hold."""
        ...

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put `data` at `offset`; a view must lie at a page's start, see `Pages`."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """What is at `offset` on the card itself, not in a cache."""
        ...

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """The same into memory that lies at a page's start."""
        ...

    def flush(self) -> None:
        """Return when all that was written is on the card."""
        ...

    def discard(self, where: ByteRange) -> bool:
        """Tell that nothing is kept there, of any length; False where that cannot be told."""
        ...


class Held(Target, Protocol):
    """A target that is held exclusively, until its reader gives the card back."""

    def let_go(self) -> bool:
        """Have the reader give the card back, flushed; False where it cannot."""
        ...


@contextmanager
def open_target(drive: Drive, needed: int = 0) -> Iterator[DriveTarget]:
    """Hold a drive exclusively, after looking at it once more.

    Args:
        drive: as it was chosen.
        needed: bytes that it must have.

    Raises:
        Refused: it may not be written, or another program uses it.
        BadInput: it is too small or no longer there.
        FlasherError: it is locked, or another card is in it than was chosen.
        EnvironmentLacks: you may not open it.
    """
    guard(drive)
    now = guard(look_again(drive))
    _check_same(drive, now)
    if now.read_only:
        raise write_protected(now.path)
    _check_size(now, needed)
    unmount_drive(now)
    require_no_writer(now)
    with card_faults(now.path, "opening it"):
        target = DriveTarget(now.path, open_drive(now))
    try:
        _check_held(now, target)
        yield target
    finally:
        target.close()


@contextmanager
def open_for_reading(drive: Drive, needed: int = 0) -> Iterator[DriveTarget]:
    """Hold a drive open to be read, be it write-protected or in use.

    Args:
        drive: as it was found.
        needed: bytes that it must have.

    Raises:
        BadInput: it is too small.
        FlasherError: it is no longer there.
        EnvironmentLacks: you may not open it.
    """
    _check_size(drive, needed)
    with card_faults(drive.path, "opening it"):
        target = DriveTarget(drive.path, open_drive(drive, writable=False))
    try:
        yield target
    finally:
        target.close()


def _check_size(drive: Drive, needed: int) -> None:
    if drive.size < needed:
        what = f"{drive.path} is too small: it has {drive.size} bytes, {needed} are needed."
        raise BadInput("card-too-small", what, "Take a larger card.")


def _check_same(chosen: Drive, found: Drive) -> None:
    """By what the system says of them: the serial as well, which a descriptor does not tell."""
    if (chosen.identity, chosen.size, chosen.serial) != (
        chosen.identity and found.identity,
        found.size,
        found.serial,
    ):
        raise _exchanged(chosen)


def _check_held(chosen: Drive, target: DriveTarget) -> None:
    """By the descriptor itself: what is held now is what will be written."""
    if (chosen.identity, chosen.size) != (target.identity, target.size):
        raise _exchanged(chosen)


def _exchanged(chosen: Drive) -> FlasherError:
    what = f"There is another card in {chosen.path} than the one that was chosen."
    return FlasherError("card-exchanged", what, "Choose the drive again.")
