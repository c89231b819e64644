"""Files that a script reads: copied for it alone, so that what its key names is what it sees."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.diagnosis import StepFailed

_FOLDER = 0o755


@dataclass(frozen=True, slots=True)
class Carried:
    """A file, a folder or a symbolic link that a script finds.

    Attributes:
        at: the folder, as the script sees it, that holds this and all others of the same `at`;
            absolute.
        path: below `at`; with a slash at its end, a folder.
        mode: permission bits.
        data: its content, unless it has a `source`.
        source: the file of this computer whose bytes are carried.
        digest: SHA-256 of the source's bytes, 64 hex digits.
        link: where a symbolic link points to; "" for files.
    """

    at: str
    path: str
    mode: int = 0o644
    data: bytes = b""
    source: Path | None = None
    digest: str = ""
    link: str = ""

    def describe(self) -> list[object]:
        """What the key of a layer takes of it."""
        told = f"-> {self.link}" if self.link else self.digest
        told = told or hashlib.sha256(self.data).hexdigest()
        return [f"{self.at}:{self.path}", f"{self.mode:04o}", told]


def carry_file(at: str, path: str, source: Path) -> Carried:
    """A file of this computer as it is now, or a link as it is."""
    if source.is_symlink():
        return Carried(at, path, link=str(source.readlink()))
    mode = stat.S_IMODE(source.stat().st_mode)
    return Carried(at, path, mode, source=source, digest=_digest(source))


def carry_folder(at: str, folder: Path) -> tuple[Carried, ...]:
    """All that is in a folder of this computer, sorted by path."""
    return tuple(sorted(_walk(at, folder), key=lambda each: each.path))


def lay_out(files: Sequence[Carried], at: str, folder: Path, epoch: int) -> None:
    """Put copies of what is carried at `at` into a folder, with one time for all.

    Raises:
        StepFailed: ``script-changed``: a source is not any more what it was when it was read.
    """
    own = [each for each in files if each.at == at]
    for each in own:
        target = folder / each.path
        target.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        _put(each, target)
    for found in (folder, *sorted(folder.rglob("*"))):
        os.utime(found, (epoch, epoch), follow_symlinks=False)


def changed_sources(files: Sequence[Carried]) -> tuple[Path, ...]:
    """Sources that are not any more what was carried."""
    return tuple(
        each.source
        for each in files
        if each.source and (not each.source.is_file() or _digest(each.source) != each.digest)
    )


def changed_copies(files: Sequence[Carried], at: str, folder: Path, epoch: int) -> list[str]:
    """What is not any more as `lay_out` put it into a folder, as the script saw it."""
    own = {each.path.rstrip("/") for each in files if each.at == at}
    now = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    new = {name for name, path in now.items() if name not in own and not path.is_dir()}
    gone = own - now.keys()
    changed = {
        name
        for name in own & now.keys()
        if not now[name].is_dir() and now[name].lstat().st_mtime != epoch
    }
    return [f"{at}/{name}" for name in sorted(new | gone | changed)]


def _walk(at: str, folder: Path) -> Iterator[Carried]:
    for top, folders, files in os.walk(folder):
        for name in (*folders, *files):
            source = Path(top, name)
            path = str(source.relative_to(folder))
            if source.is_dir() and not source.is_symlink():
                yield Carried(at, f"{path}/", stat.S_IMODE(source.stat().st_mode))
            else:
                yield carry_file(at, path, source)


def _put(each: Carried, target: Path) -> None:
    if each.path.endswith("/"):
        target.mkdir(exist_ok=True)
    elif each.link:
        target.symlink_to(each.link)
        return
    else:
        target.write_bytes(_read(each))
    target.chmod(each.mode)


def _read(each: Carried) -> bytes:
    if each.source is None:
        return each.data
    data = each.source.read_bytes() if each.source.is_file() else b""
    if hashlib.sha256(data).hexdigest() != each.digest:
        raise StepFailed(
            "script-changed",
            f"{each.source} changed since this build read it.",
            "Run the same command again; finished layers are kept.",
        )
    return data


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
