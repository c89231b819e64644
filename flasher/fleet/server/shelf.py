"""The files of a repository, by their names there: nothing else, and nothing outside of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from flasher.fleet.release.names import digest_in

_PART = r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,250}"
_NAMES = re.compile(
    rf"metadata/{_PART}\.json|targets(?:/{_PART}){{1,4}}|blobs/[0-9a-f]{{2}}/[0-9a-f]{{64}}"
)
_VERSIONED = re.compile(r"metadata/[1-9][0-9]*\.[^/]+")


class Served(Protocol):
    """A file that is sent while it lasts; it may still grow.

    Attributes:
        size: of the whole file, in bytes.
        tag: is another one whenever the contents are.
    """

    size: int
    tag: str

    async def read(self, offset: int, most: int) -> bytes:
        """Bytes from an offset below `size` on; at least one. Raises `Torn`."""

    def close(self) -> None:
        """Nobody reads it any more."""


class Shelf(Protocol):
    """Where the files of a repository come from.

    Attributes:
        mark: what it calls itself where it asks others; empty where it asks nobody.
    """

    mark: str

    async def open(self, name: str, asker: str = "", via: str = "") -> Served | None:
        """A file by its name; None where there is none.

        Args:
            name: in the repository.
            asker: address of who wants it; who wants very much shall keep nobody else waiting.
            via: marks of the mirrors that it was asked through.

        Raises:
            Away: it cannot be had now.
        """

    async def close(self) -> None:
        """Let everything go."""


class Torn(Exception):
    """A file ended before its time."""


class Away(Exception):
    """What has the file does not answer; ask again later."""


def is_name(name: str) -> bool:
    """Whether a repository may have a file of this name: no other is looked for."""
    return _NAMES.fullmatch(name) is not None


def is_kept_as(name: str) -> bool:
    """Whether a mirror may keep a file of this name.

    A page that stands for a folder, or for whatever is not there, must never lie where files or
    folders of a repository belong: what is no metadata carries its digest, and no folder does.
    """
    if not is_name(name):
        return False
    above = PurePosixPath(name).parents
    is_sure = name.startswith("metadata/") or bool(digest_in(name))
    return is_sure and not any(digest_in(str(folder)) for folder in above)


def is_lasting(name: str) -> bool:
    """Whether the file of this name is the same for ever."""
    return bool(digest_in(name) or _VERSIONED.fullmatch(name))


@dataclass(slots=True)
class Whole:
    """A file that is there; its descriptor is ours."""

    descriptor: int
    size: int
    tag: str

    async def read(self, offset: int, most: int) -> bytes:
        """See `Served`; what lies in memory anyway costs no thread."""
        piece = os.pread(self.descriptor, most, offset)
        if not piece:
            raise Torn
        return piece

    def close(self) -> None:
        """See `Served`."""
        os.close(self.descriptor)


class Folder:
    """A repository in a folder of this computer, as `flasher release publish` leaves it."""

    def __init__(self, path: Path) -> None:
        self.path, self.mark = path, ""

    async def open(self, name: str, asker: str = "", via: str = "") -> Whole | None:
        """See `Shelf`."""
        del asker, via  # what is here is here for all
        return open_below(self.path, name)

    async def close(self) -> None:
        """See `Shelf`."""


def open_below(folder: Path, name: str) -> Whole | None:
    """A plain file below a folder; no link is followed on the way. None where there is none."""
    if not is_name(name):
        return None
    with suppress(OSError), _walked(folder, name.split("/")[:-1]) as parent:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name.rpartition("/")[2], flags, dir_fd=parent)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            tag = digest_in(name) or f"{found.st_mtime_ns:x}-{found.st_size:x}"
            return Whole(descriptor, found.st_size, tag)
        os.close(descriptor)
    return None


@contextmanager
def _walked(folder: Path, parts: list[str]) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(folder, flags)
    try:
        for part in parts:
            below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
