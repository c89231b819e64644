"""What a mirror keeps: so many bytes of blobs and targets, and the newest metadata of each role.

Where the disk fills up, be it with what others write, less is kept: what is used longest ago goes.

Roots stay, for nodes follow them one by one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from flasher.fleet.release.names import METADATA, version_in, versioned
from flasher.fleet.server.shelf import is_kept_as

# Bytes of the disk that are left to others; what is little, as metadata, plans and letters are,
# leaves no more in any case, for nodes shall find it while the source is away.
RESERVE, _LITTLE = 32 << 20, 1 << 20
# Use is noted on disk no more often: cards wear.
_NOTED_SECONDS = 3600
# Nodes begin with the newest; one that is at work may still come for that of a few releases ago.
_VERSIONS = 20


class Larder:
    """Keeps count of a mirror's folder.

    Args:
        folder: of the mirror.
        most_bytes: what is used longest ago goes when there is more; the newest file stays.
        reserve: bytes of the disk that are left to others.
    """

    def __init__(self, folder: Path, most_bytes: int, reserve: int = RESERVE) -> None:
        self._folder, self._most, self._reserve = folder, most_bytes, reserve
        self._sizes: OrderedDict[str, int] = OrderedDict()
        found = []
        for shelf in ("targets", "blobs"):
            for path in (folder / shelf).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    about = path.stat()
                    name = path.relative_to(folder).as_posix()
                    if not is_kept_as(name):  # it stands where files belong
                        path.unlink()
                        continue
                    found.append((about.st_mtime, name, about.st_size))
        self._sizes.update((name, size) for _, name, size in sorted(found))

    @property
    def size(self) -> int:
        """Bytes of all that is counted."""
        return sum(self._sizes.values())

    def used(self, name: str) -> None:
        """Somebody took a file: it goes later."""
        if name not in self._sizes:
            return
        self._sizes.move_to_end(name)
        path = self._folder / name
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _NOTED_SECONDS:
                os.utime(path)

    def stored(self, name: str, size: int) -> None:
        """A file came; others go for it."""
        if name.startswith("metadata/"):
            self._forget_versions(name.removeprefix("metadata/"))
            return
        self._sizes[name] = size
        self._sizes.move_to_end(name)
        while self.size > self._most and len(self._sizes) > 1:
            self._drop_oldest()

    def make_room(self, rest: int, step: int) -> bool:
        """Whether the disk takes the rest of a file; others go for its next step, none in vain.

        Args:
            rest: bytes that are still to come, as the source says. Nothing goes for its word alone.
            step: how many of these come next.
        """
        spare = self._spare(rest)
        if rest > spare + self.size:
            return False
        missing = step - spare
        while missing > 0 and self._sizes:
            missing -= self._drop_oldest()
        # What somebody is still reading has its place until then.
        return self._spare(rest) >= step

    def _spare(self, rest: int) -> int:
        """Bytes that the disk has for a file of which so many are to come."""
        reserve = min(RESERVE, self._reserve) if rest <= _LITTLE else self._reserve
        return shutil.disk_usage(self._folder).free - reserve

    def _drop_oldest(self) -> int:
        """The bytes of what goes."""
        oldest, size = self._sizes.popitem(last=False)
        with suppress(OSError):
            (self._folder / oldest).unlink()
        return size

    def _forget_versions(self, name: str) -> None:
        """Metadata came: the oldest of its role goes."""
        came = version_in(name)
        if came is None or came[0] == "root":
            return
        files = (self._folder / METADATA).iterdir()
        there = filter(None, (version_in(path.name) for path in files))
        versions = sorted(version for role, version in there if role == came[0])
        for version in versions[:-_VERSIONS]:
            with suppress(OSError):
                (self._folder / versioned(came[0], version)).unlink()
