"""Put files into a tree as COPY, ADD and WORKDIR do.

Runs as a script of its own (standard library only), on the computer that builds: the tree is at
/image, the sources below /context. Standard input is a JSON list of orders, done one by one:
``{"folder": PATH}``, or ``{"to": PATH, "into": true, "owner": "user:group", "mode": 420,
"items": [[KIND, SOURCE, NAME], ...]}``; KIND is "file", "folder" (its contents) or "archive",
SOURCE a path below /context. `into` says that PATH must be a folder.
"""

from __future__ import annotations

import bz2  # noqa: F401 - tarfile looks for these three when it needs them: too late
import gzip  # noqa: F401
import json
import lzma  # noqa: F401
import os
import shutil
import stat
import sys
import tarfile
from pathlib import Path
from typing import IO, Any

_FOLDER = 0o755
_ATTRIBUTE = "SCHILY.xattr."
_UNTOUCHED = -1


class Copy:
    """One COPY or ADD, in a process whose root is the tree."""

    def __init__(self, context: int, order: dict[str, Any]) -> None:
        self._context = context
        self._mode: int | None = order["mode"]
        self._owner = owner(order["owner"])
        self._keeps_owners = not order["owner"]

    def item(self, kind: str, source: str, target: Path) -> None:
        """Put one item at its place."""
        if kind == "folder":
            self._contents(source, target)
        elif kind == "archive":
            make_folder(target)
            with self._open(source) as stream:
                self._unpack(stream, target)
        else:
            make_folder(target.parent)
            self._one(source, target)

    def _contents(self, source: str, target: Path) -> None:
        new = not target.exists()
        make_folder(target)
        if new:
            self._own(target, self._stat(source))
        self._inside(source, target)

    def _inside(self, source: str, target: Path) -> None:
        folder = os.open(source, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._context)
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - Path takes no descriptor
            self._one(f"{source}/{name}", target / name)

    def _one(self, source: str, target: Path) -> None:
        found = self._stat(source)
        if stat.S_ISDIR(found.st_mode):
            make_folder(target)
            self._own(target, found)
            self._inside(source, target)
            return
        if stat.S_ISLNK(found.st_mode):
            target.unlink(missing_ok=True)
            target.symlink_to(os.readlink(source, dir_fd=self._context))
            os.lchown(target, *self._owner)
            return
        target.unlink(missing_ok=True)
        with self._open(source) as stream, target.open("xb") as copy:
            shutil.copyfileobj(stream, copy)
        self._own(target, found)

    def _own(self, target: Path, found: os.stat_result) -> None:
        os.chown(target, *self._owner)
        target.chmod(stat.S_IMODE(found.st_mode) if self._mode is None else self._mode)

    def _unpack(self, stream: IO[bytes], target: Path) -> None:
        with tarfile.open(fileobj=stream) as archive:
            archive.extraction_filter = lambda member, _: member
            archive.extractall(target, numeric_owner=True)  # noqa: S202 - the tree is our root
            for member in archive:
                self._finish(member, target / member.name)

    def _finish(self, member: tarfile.TarInfo, path: Path) -> None:
        """What tarfile leaves out: other owners, and attributes, which a change of owner clears."""
        if not self._keeps_owners:
            os.lchown(path, *self._owner)
        if not self._keeps_owners and not member.issym():
            path.chmod(member.mode)
        for name, value in member.pax_headers.items():
            if name.startswith(_ATTRIBUTE):
                data = value.encode("utf-8", "surrogateescape")
                os.setxattr(path, name.removeprefix(_ATTRIBUTE), data, follow_symlinks=False)

    def _stat(self, source: str) -> os.stat_result:
        return os.stat(source, dir_fd=self._context, follow_symlinks=False)

    def _open(self, source: str) -> IO[bytes]:
        return os.fdopen(os.open(source, os.O_RDONLY, dir_fd=self._context), "rb")


def make_folder(path: Path) -> None:
    """A folder with those above it; links to folders are followed."""
    for each in (*reversed(path.parents), path):
        if not each.is_dir():
            each.mkdir()
            each.chmod(_FOLDER)


def owner(words: str) -> tuple[int, int]:
    """Ids of ``user:group``, by number or by the tree's own names; root's for "".

    Of a user alone the group is the user's id where it is a number, and else the user's own.
    """
    user, _, group = words.partition(":")
    own = _entry("passwd", user) if user and not user.isdigit() else []
    uid = int(own[2]) if own else int(user or 0)
    if not group:
        return uid, int(own[3]) if own else uid
    return uid, int(group) if group.isdigit() else int(_entry("group", group)[2])


def _entry(table: str, name: str) -> list[str]:
    path = Path("/etc", table)
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    for line in lines:
        if line.startswith(f"{name}:"):
            return line.split(":")
    raise SystemExit(f"/etc/{table} of the image has no {name}.")


def carry_out(context: int, order: dict[str, Any]) -> None:
    """Do one order."""
    if "folder" in order:
        make_folder(Path(order["folder"]))
        return
    copy, to = Copy(context, order), Path(order["to"])
    for kind, source, name in order["items"]:
        inside = kind == "file" and (order["into"] or to.is_dir())
        copy.item(kind, source, to / name if inside else to)


if __name__ == "__main__":
    orders = json.load(sys.stdin)
    folder = os.open("/context", os.O_RDONLY) if os.path.isdir("/context") else _UNTOUCHED  # noqa: PTH112
    os.chroot("/image")
    os.chdir("/")
    for each in orders:
        carry_out(folder, each)
