"""Where `release publish` copies to: looked at before anything is published."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.events import Emit
from flasher.fleet.release import names
from flasher.fleet.release.copies import copy_in_force
from flasher.fleet.release.state import State


def copies_wanted(to: Path | None, stick: Path | None) -> list[Path]:
    """The folders that shall have a copy; nothing is made yet.

    Args:
        to: a folder; the one that it lies in is there.
        stick: where one is mounted: whoever carries it away must not find it empty.

    Raises:
        BadInput: ``no-such-folder``, ``no-stick``.
    """
    if to and not to.absolute().parent.is_dir():
        what = f"There is no folder {to.absolute().parent} for the copy {to.name}."
        raise BadInput("no-such-folder", what, "Plug in what it is on, or make the folder first.")
    if stick and not stick.is_dir():
        what = f"There is no folder {stick}."
        raise BadInput("no-stick", what, "Plug the stick in, and name where it is mounted.")
    if stick and not stick.resolve().is_mount():
        what = f"No stick is mounted at {stick}: it is a folder of something else."
        hint = f"Name the folder where `lsblk` shows it. A folder: --to {stick / names.ON_STICKS}"
        raise BadInput("no-stick", what, hint)
    return [*([to] if to else []), *([stick / names.ON_STICKS] if stick else [])]


def copied(state: State, to: Path, emit: Emit) -> int:
    """Copy what is in force; raises as `copy_in_force`, or `BadInput` ``cannot-make``."""
    try:
        if not to.exists():
            to.mkdir()
            with suppress(OSError):  # on FAT everything is whose the mount says
                paths.hand_over(to)
    except OSError as error:
        what = f"The folder {to} cannot be made: {error.strerror}."
        hint = "Name one on a disk or stick that you may write to."
        raise BadInput("cannot-make", what, hint) from error
    return copy_in_force(state, to, emit)
