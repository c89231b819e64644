"""Files that a person named, to be written by a command."""

from __future__ import annotations

from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic


def write_named(file: Path, content: bytes | str) -> None:
    """Write a file, whole or not at all; under sudo, for the person who called.

    Raises:
        BadInput: ``no-such-folder``; where a stick is not mounted, its folder must not be made.
    """
    if not file.parent.is_dir():
        what = f"There is no folder {file.parent} to write {file.name} into."
        raise BadInput("no-such-folder", what, "Plug in what it is on, or make the folder first.")
    write_atomic(file, content)
    paths.hand_over(file)
