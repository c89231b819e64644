"""Virtual cards: regular files that stand for cards, for practice, rehearsals and tests."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from flasher.drives.contents import Contents, Place, look_at
from flasher.drives.model import NO_TABLE, Drive
from flasher.drives.usage import why_file_in_use
from flasher.errors import BadInput, FlasherError

SECTOR = 512


def file_drive(path: Path) -> Drive:
    """The drive for a regular file."""
    resolved = path.resolve()
    found = resolved.stat()
    contents = _contents(resolved)
    return Drive(
        path=resolved,
        size=found.st_size,
        kind="file",
        model="virtual card",
        removable=True,
        read_only=not os.access(resolved, os.W_OK),
        holds=contents.holds,
        refusal=why_file_in_use(resolved),
        identity=f"{found.st_dev}:{found.st_ino}",
        partitions=contents.partitions,
        node=contents.node,
        blank=contents.blank,
    )


def _contents(path: Path) -> Contents:
    found = look_at(Place(path))
    # Looking at samples may miss what is in the file; that it has no contents at all is certain.
    return Contents(NO_TABLE) if found.blank and _has_data(path) else found


def _has_data(path: Path) -> bool:
    """Whether anything but zeros is in the file; quick, for a file of nothing but holes."""
    with path.open("rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        position = _next_data(handle.fileno(), 0)
        while position < size:
            end = os.lseek(handle.fileno(), position, os.SEEK_HOLE)
            handle.seek(position)
            while position < end:
                part = handle.read(min(1 << 20, end - position))
                if part.count(0) != len(part):
                    return True
                position += len(part)
            position = _next_data(handle.fileno(), position)
    return False


def _next_data(descriptor: int, position: int) -> int:
    try:
        return os.lseek(descriptor, position, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # no data from here on
            return os.fstat(descriptor).st_size
        raise


def create_virtual_card(path: Path, size: int) -> Drive:
    """Create an empty virtual card, a sparse file.

    Args:
        path: where; there must be nothing yet.
        size: bytes, a multiple of 512.

    Raises:
        BadInput: there is something, or the size is impossible.
        FlasherError: the file cannot be made there.
    """
    if size < 1 or size % SECTOR:
        what = f"A card cannot have {size} bytes."
        raise BadInput("bad-size", what, "Give a multiple of 512 bytes, such as 8G.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        what = f"{path} is there already."
        raise BadInput("exists", what, "Leave out the size to use it, or name another.") from None
    except OSError as error:
        what = f"{path} cannot be created: {error.strerror}."
        raise FlasherError("cannot-create", what, "Choose a folder that you may write.") from None
    try:
        os.ftruncate(descriptor, size)
    except OSError as error:
        path.unlink()
        what = f"{path} cannot have {size} bytes: {error.strerror}."
        raise FlasherError(
            "cannot-create", what, "Choose a smaller size or another disk."
        ) from None
    finally:
        os.close(descriptor)
    return file_drive(path)
