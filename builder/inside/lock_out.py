"""Take out of a tree what would let somebody into every node: passwords, and keys of people.

Runs as a script of its own (standard library only) on the tree given as its argument; it prints
what it took out, a line each. No link is followed, for it may lead out of the tree.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_NODES = "a site gives the nodes theirs"
# Passwords that nobody has: shadow(5). In passwd(5), x stands for the one in shadow.
_LOCKED = {"etc/shadow": ("!", "*", "!*", "!!"), "etc/passwd": ("x", "!", "*", "!*", "!!")}
# Where people's files lie, beside the folders that passwd names.
_HOMES = ("root", "home/*", "etc/skel")
_KEYS = ".ssh/authorized_keys*"
_KEYS_OF_ALL = ("etc/ssh/authorized_keys", "etc/ssh/authorized_keys.d/*")


def lock_out(root: Path) -> list[str]:
    """Lock every account of the tree at `root`; what was taken out, as parts of sentences."""
    users = [name for file in _LOCKED for name in _lock_passwords(root / file, _LOCKED[file])]
    told = [f"the password of {name}, which a layer set: {_NODES}" for name in users]
    for path in list(_keys(root)):
        path.unlink()
        told.append(f"/{path.relative_to(root)}, which a layer left: {_NODES}")
    return told


def _lock_passwords(file: Path, locked: tuple[str, ...]) -> list[str]:
    """Lock each account of a table that has a password, or needs none; their names."""
    if file.is_symlink() or not file.is_file():
        return []
    users, lines = [], []
    for line in file.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        user, sign, rest = line.partition(":")
        password, more, after = rest.partition(":")
        if more and password not in locked:
            users.append(user)
            password = "!"  # noqa: S105 - no password at all
        lines.append(f"{user}{sign}{password}{more}{after}\n")
    if users:
        file.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return users


def _keys(root: Path) -> Iterator[Path]:
    passwd = root / "etc/passwd"
    people = passwd.read_text(errors="replace").splitlines() if passwd.is_file() else []
    named = [line.split(":")[5].strip("/") for line in people if line.count(":") >= 5]
    homes = {home for pattern in (*_HOMES, *named) if pattern for home in root.glob(pattern)}
    found = {path for home in homes for path in home.glob(_KEYS)}
    found |= {path for pattern in _KEYS_OF_ALL for path in root.glob(pattern)}
    return (path for path in sorted(found) if _is_file_of(root, path))


def _is_file_of(root: Path, path: Path) -> bool:
    """Whether a path is no folder, and no folder above it a link."""
    own = os.path.join(os.path.realpath(root), path.parent.relative_to(root))  # noqa: PTH118
    return os.path.realpath(path.parent) == own and (path.is_symlink() or not path.is_dir())


if __name__ == "__main__":
    for thing in lock_out(Path(sys.argv[1])):
        sys.stdout.write(f"{thing}\n")
