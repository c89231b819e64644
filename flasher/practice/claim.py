"""One program at a time has a practice bench: a second one would pull the cards of the first."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

from flasher.errors import BadInput
from flasher.paths import hand_over

_FILE = ".in-use"


def claim(folder: Path, holder: object) -> None:
    """Have a folder, that is there, as long as `holder` lives; the system sees to a sudden end.

    Raises:
        BadInput: ``practice-in-use``, another program has it.
    """
    path = folder / _FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    weakref.finalize(holder, os.close, descriptor)
    hand_over(path)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadInput(
            "practice-in-use",
            f"Somebody practises already with the cards in {folder}.",
            "Close the other window, or set FLASHER_DATA to another folder.",
        ) from None
