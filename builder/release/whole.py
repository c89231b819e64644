"""Is a release set whole?  Every byte is hashed once, and again only when a file was touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from builder.release.files import Release
from builder.release.pack import digest_file
from flasher.files import write_atomic


class Measure(TypedDict):
    """What the manifest records of a file."""

    size: int
    sha256: str


def measure(path: Path, digest: str | None = None) -> Measure:
    """Size and digest of a file, which is read unless its digest is known."""
    return {"size": path.stat().st_size, "sha256": digest or digest_file(path)}


@dataclass(frozen=True, slots=True)
class Memory:
    """Digests of files, remembered for as long as nobody touches these.

    Attributes:
        path: of the file that keeps them; it lies apart from what it speaks of.
    """

    path: Path

    def measure(self, paths: tuple[Path, ...]) -> dict[str, Measure]:
        """Size and digest of each file by its name; raises OSError where one is missing."""
        known = self._recall()
        stamps = {path: str(_stamp(path)) for path in paths}
        found = {path.name: measure(path, known.get(stamp)) for path, stamp in stamps.items()}
        if known.keys() != set(stamps.values()):
            self.note(paths, found)
        return found

    def note(self, paths: tuple[Path, ...], files: Mapping[str, Measure]) -> None:
        """Remember the digests of files just made."""
        notes = {str(_stamp(path)): files[path.name]["sha256"] for path in paths}
        write_atomic(self.path, json.dumps(notes, indent=1) + "\n")

    def _recall(self) -> dict[str, str]:
        """Digests by stamp.

        Those of files changed in the very tick of the clock in which the notes were written are
        left out: a second change in that tick would not show.
        """
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            written = self.path.stat().st_mtime_ns
            notes = json.loads(self.path.read_bytes())
            return {
                stamp: str(digest)
                for stamp, digest in notes.items()
                if int(stamp.strip("()").split(", ")[-1]) < written
            }
        return {}


def is_whole(release: Release, key: str, memory: Memory) -> bool:
    """Whether the whole set is there, undamaged, and was made for this key."""
    try:
        told = json.loads(release.manifest.read_bytes())
        if told["key"] != key:
            return False
        found = memory.measure(release.summed)
        sums = release.sums.read_text(encoding="utf-8").splitlines()
        if lines_about(found, sums) != sum_lines(found):
            return False
        del found[release.manifest.name]
        return bool(told["files"] == found)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False  # garbage is no release


def sum_lines(files: Mapping[str, Measure]) -> list[str]:
    """Lines for SHA256SUMS, sorted."""
    return sorted(f"{file['sha256']}  {name}" for name, file in files.items())


def lines_about(names: Container[str], sums: list[str]) -> list[str]:
    """The lines of SHA256SUMS that speak of these names, sorted."""
    return sorted(line for line in sums if line.partition("  ")[2] in names)


def memory_of(release: Release, store: Path) -> Memory:
    """Where a store remembers what it knows of a release."""
    place = str(release.out.absolute() / release.name)
    return Memory(store / "releases" / f"{hashlib.sha256(place.encode()).hexdigest()[:20]}.json")


def _stamp(path: Path) -> tuple[int, ...]:
    """Device, number, size and times of a file: one of them changes with any change of it."""
    told = path.stat()
    return (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
