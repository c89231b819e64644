"""List a tree: every path with its kind, mode, owners, content and attributes.

Runs as a script of its own (standard library only): the argument is the tree. It prints a JSON
object ``{path: [kind and mode, owner, content, attributes], ...}``; the content of a file is its
SHA-256, that of a link where it points to.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path


def list_tree(root: str) -> Iterator[tuple[str, list[str]]]:
    """Every path below `root`, relative to it, with what it is."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            yield str(path.relative_to(root)), _describe(path)


def _describe(path: Path) -> list[str]:
    found = path.lstat()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    attributes = (f"{name}={os.getxattr(path, name, follow_symlinks=False)!r}" for name in names)
    return [
        stat.filemode(found.st_mode),
        f"{found.st_uid}:{found.st_gid}",
        _content(path, found.st_mode),
        " ".join(attributes),
    ]


def _content(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return str(path.readlink())
    if not stat.S_ISREG(mode):
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    json.dump(dict(list_tree(sys.argv[1])), sys.stdout)
