"""A Debian package from files, deb(5), put together by dpkg-deb; same files give the same bytes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flasher.process import run

MAINTAINER = "Flasher maintainers <flasher@localhost>"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the package; `path` is relative to the root."""

    path: str
    data: bytes
    mode: int = 0o644


def make_package(
    files: Iterable[Entry],
    about: Mapping[str, str],
    target: Path,
    epoch: int,
    scripts: Mapping[str, bytes] | None = None,
) -> None:
    """Write a package; the same inputs give the same bytes.

    Args:
        files: what it puts onto a computer.
        about: fields of its control file, in their order, deb-control(5); the size is added.
        target: the package's file; an unfinished one never bears this name.
        epoch: the time that all files bear, in seconds since 1970.
        scripts: of its maintainer, by name, such as ``postinst``.
    """
    entries = sorted(files, key=lambda entry: entry.path)
    papers = [*_papers(entries, about), *_programs(scripts or {})]
    with tempfile.TemporaryDirectory(prefix="flasher-deb-", dir=target.parent) as scratch:
        root, draft = Path(scratch) / "root", Path(scratch) / target.name
        for entry in [*entries, *papers]:
            _put(root, entry)
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (epoch, epoch))
        argv = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z0", "--build", str(root), str(draft)]
        run(argv, env={"SOURCE_DATE_EPOCH": str(epoch)})
        draft.replace(target)


def _papers(entries: Iterable[Entry], about: Mapping[str, str]) -> Iterator[Entry]:
    files = list(entries)
    sums = (f"{hashlib.md5(entry.data).hexdigest()}  {entry.path}\n" for entry in files)  # noqa: S324
    size = sum(-(-len(entry.data) // 1024) for entry in files)
    fields = {**about, "Installed-Size": str(size)}
    fields["Description"] = fields.pop("Description")  # it is many lines, and stands last
    yield Entry("DEBIAN/md5sums", "".join(sums).encode())
    yield Entry("DEBIAN/control", "".join(f"{k}: {v}\n" for k, v in fields.items()).encode())


def _programs(scripts: Mapping[str, bytes]) -> Iterator[Entry]:
    yield from (Entry(f"DEBIAN/{name}", data, 0o755) for name, data in scripts.items())


def _put(root: Path, entry: Entry) -> None:
    path = root / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(entry.data)
    path.chmod(entry.mode)
