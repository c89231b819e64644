"""Folders for what is made on the way: gone afterwards, or swept away when the next one is made."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from builder.sandbox import remove_tree
from flasher.errors import FlasherError


@contextmanager
def scratch_folder(below: Path) -> Iterator[Path]:
    """Give an empty folder of our own below another, gone afterwards.

    What programs left there that were killed goes first: nobody holds it any more.
    """
    below.mkdir(parents=True, exist_ok=True)
    folder = below / secrets.token_hex(4)
    whole = _lock(below)  # or another would take what we make for a left-over
    try:
        for left in below.iterdir():
            _sweep(left)
        folder.mkdir(mode=0o700)
        own = _lock(folder)
    finally:
        os.close(whole)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(own)


def _lock(folder: Path, *, wait: bool = True) -> int:
    """A descriptor that holds a folder until it is closed; raises BlockingIOError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sweep(folder: Path) -> None:
    with suppress(OSError):
        own = _lock(folder, wait=False)
        _remove(folder)
        os.close(own)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError:  # what a user unpacked belongs to ids that he was lent
        with suppress(FlasherError):  # the next one sweeps
            remove_tree(folder)
