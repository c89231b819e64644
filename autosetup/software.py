"""Software as a tree of files: one version of it, in a tar of the payload."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FOLDER = "software/"
_MOST_BYTES, _MOST_ENTRIES = 256 << 20, 20_000
_EXECUTABLE = 0o111


@dataclass(frozen=True, slots=True)
class Software:
    """A tree and where it goes.

    Attributes:
        source: ``software/NAME.tar`` of the payload.
        path: link that leads to the tree.
        version: for people, such as ``v2.3 (1a2b3c4d5e6f)``.
        restarts: units that start anew with another version.
    """

    source: str
    path: str
    version: str = ""
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link of a tree; folders are made for them.

    Attributes:
        content: of the file; None for a link.
        target: of the link, relative to its own folder.
    """

    content: bytes | None
    mode: int = 0o644
    target: str = ""


def read_tree(raw: bytes) -> dict[str, Entry]:
    """The files and links of a tree by their paths in it.

    Raises:
        ValueError: says what is wrong: an entry that would lie or lead outside of the tree, one
            that is neither file, folder nor link, more than any software has, or no tar at all.
    """
    found: dict[str, Entry] = {}
    left = _MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for member in archive:
                name = _path(member.name)
                if member.isdir():
                    continue
                left -= member.size
                if left < 0 or len(found) >= _MOST_ENTRIES:
                    raise ValueError("It is larger than any software.")
                if name in found:
                    raise ValueError(f"It holds {name[:80]!r} twice.")
                found[name] = _entry(archive, member, name)
    except (tarfile.TarError, EOFError, OSError):
        raise ValueError("It is no whole tar archive.") from None
    for complaint in _clashes(found):
        raise ValueError(complaint)
    return found


def _path(name: str) -> str:
    path = name.removeprefix("./").rstrip("/")
    if path and {"..", ".", ""} & {*path.split("/")}:
        raise ValueError(f"It holds {name[:80]!r}, which would lie elsewhere.")
    return path


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> Entry:
    if member.issym():
        reached = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        down = member.linkname.lstrip("./")  # to climb from there may be to climb from a link
        climbs = ".." in down.split("/")
        if climbs or member.linkname.startswith("/") or reached.split("/")[0] == "..":
            raise ValueError(f"Its link {name[:80]!r} leads out of it.")
        return Entry(None, target=member.linkname)
    content = None
    if member.isreg() and not member.issparse():
        content = archive.extractfile(member)
    if content is None or not name:
        raise ValueError(f"It holds {name[:80]!r}, which is neither file, folder nor link.")
    return Entry(content.read(), 0o755 if member.mode & _EXECUTABLE else 0o644)


def _clashes(found: Mapping[str, Entry]) -> Iterator[str]:
    """Entries below what is no folder: below a link, they would lie wherever that leads."""
    for name in found:
        above = name
        while above := posixpath.dirname(above):
            if above in found:
                yield f"It holds {name[:80]!r} below {above[:80]!r}, which is no folder."
