"""Files put into a repository: many at once, durable before the one that names them all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from flasher import paths
from flasher.events import Emit, ignore, step
from flasher.files import sync_file, sync_folder, write_atomic
from flasher.fleet.release.names import TIMESTAMP

Source = bytes | Path
_CHUNK = 1 << 20
_LOOK = "publish"


def install(folder: Path, files: Mapping[str, Source], emit: Emit = ignore) -> int:
    """Put files into a folder; readers see all of the old ones, or all of the new ones.

    Each is whole under its name, and on disk before `TIMESTAMP` is replaced, which comes last: a
    reader that begins there finds everything that it leads to. What is there already, byte by
    byte, is left alone, so it goes on where it was interrupted.

    Args:
        folder: the repository; made if it is missing.
        files: contents by path, or where they are to be copied from.
        emit: for progress.

    Returns:
        how many bytes were written.
    """
    last = files.get(TIMESTAMP)
    others = {path: source for path, source in files.items() if path != TIMESTAMP}
    written = 0
    touched: list[Path] = []
    with step(emit, str(folder), _LOOK, len(files)) as progress:
        for path, source in others.items():
            final = folder / path
            if not _is_there(final, source):
                _make_folder(final.parent)
                written += _write(final, source)
                touched.append(final)
            progress.advance(1)
        _make_durable(folder, touched)
        if last is not None:
            raw = last if isinstance(last, bytes) else last.read_bytes()
            write_atomic(folder / TIMESTAMP, raw)
            _hand_over(folder / TIMESTAMP)
            written += len(raw)
            progress.advance(1)
    return written


def sha256_of(source: Source) -> str:
    """Digest of contents, as 64 hex digits."""
    digest = hashlib.sha256()
    for chunk in _chunks(source):
        digest.update(chunk)
    return digest.hexdigest()


def size_of(source: Source) -> int:
    """Bytes of contents."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _is_there(final: Path, source: Source) -> bool:
    """Whether a file has these contents; one of the same size may be torn all the same."""
    with suppress(OSError):
        same_size = final.is_file() and final.stat().st_size == size_of(source)
        return same_size and sha256_of(final) == sha256_of(source)
    return False


def _write(final: Path, source: Source) -> int:
    """A part that a killed program leaves is overwritten by the next try."""
    part = final.with_name(f".{final.name}.part")
    written = 0
    try:
        with part.open("wb") as handle:
            for chunk in _chunks(source):
                written += handle.write(chunk)
        with suppress(PermissionError):  # a stick's file system may know no modes
            part.chmod(0o644)
        part.replace(final)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _hand_over(final)
    return written


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _hand_over(folder)


def _hand_over(*made: Path) -> None:
    """As far as it goes: on FAT everything is whose the mount says."""
    with suppress(OSError):
        paths.hand_over(*made)


def _chunks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            yield chunk


def _make_durable(folder: Path, files: list[Path]) -> None:
    """All together at the end: the first flush takes most of what is behind it along."""
    for file in files:
        sync_file(file)
    places = {parent for file in files for parent in file.parents}
    for place in sorted(place for place in places if place.is_relative_to(folder)):
        sync_folder(place)
