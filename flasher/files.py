"""Files that are either the old ones or the new ones, never something in between."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def sync_file(path: Path) -> None:
    """Make what is in a file durable."""
    _sync(path, 0)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    _sync(folder, os.O_DIRECTORY)


def _sync(path: Path, flag: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flag)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes `path`'s place, durably.

    The block creates the file. Whatever goes wrong inside, `path` stays as it was and the temporary
    file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        _finish(temporary, mode)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _finish(path: Path, mode: int) -> None:
    """By a descriptor: what else may have got its name meanwhile keeps its mode."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    """Write a whole file so that a reader, or a power cut, sees the old or the new one.

    A secret's `mode` (0o600) holds from the first byte on.
    """
    raw = data.encode() if isinstance(data, str) else data
    with replacing(path, mode) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(raw)
