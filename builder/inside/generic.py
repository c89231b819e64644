"""Prove that a tree is generic: that nothing in it belongs to one computer, rig or person.

Runs as a script of its own (standard library only): the arguments are the tree, the name of the
computer that builds, and paths of that computer; it prints one line for each finding. What must not
be there is in traces.toml.
"""

from __future__ import annotations

import fnmatch
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("traces.toml")

# Where people's files lie; "~" in a pattern stands for each of them.
_HOMES = ("root", "home/*", "etc/skel")

_LEAVE_OUT = "Take it out of the layer that brings it."

# Where the name of the computer that builds would be taken for the node's.
_NAMED = (
    *("etc/hostname", "etc/hosts", "etc/mailname", "etc/machine-info", "etc/motd", "etc/issue"),
    *("etc/postfix/main.cf", "data/conf/postfix/main.cf", "etc/exim4/update-exim4.conf.conf"),
    *("boot/firmware/cmdline.txt", "boot/cmdline.txt"),
)
# Where its paths would stand, in files of up to so many bytes.
_SEARCHED = (
    "etc",
    "data",
    "root",
    "home",
    "usr/local",
    "var/lib/apt",
    "var/lib/systemd",
    "boot/firmware",
)
_LARGEST = 1 << 20

Table = dict[str, list[dict[str, Any]]]


def find_identity(root: Path, builder: str, places: Iterable[str] = ()) -> list[str]:
    """Everything in the tree that is not generic, as lines for people; none if it is.

    Args:
        root: the tree.
        builder: host name of the computer that builds.
        places: paths of that computer that must stand nowhere, such as the builder's home; those
            that the image has as well are its own.
    """
    table: Table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _traces(root, table),
        lambda: _machine_id(root),
        lambda: _resolver(root),
        lambda: _passwords(root),
        lambda: _words(root, table),
        lambda: _host_name(root, builder),
        lambda: _logs(root),
        lambda: _places(root, tuple(places)),
    )
    return [finding for check in checks for finding in check()]


def _traces(root: Path, table: Table) -> Iterator[str]:
    for trace in table["trace"]:
        for path in _match(root, trace["files"]):
            if trace.get("filled") and not path.lstat().st_size:
                continue
            if path.is_symlink() and path.name == "machine-id":
                continue  # it names the one file that counts
            yield _tell(root, path, f"is {trace['is']}", trace["do"])


def _words(root: Path, table: Table) -> Iterator[str]:
    for words in table["words"]:
        regex = re.compile(words["regex"])
        for path in _match(root, words["files"]):
            if regex.search(_read(path)):
                yield _tell(root, path, f"holds {words['holds']}", words["do"])


def _machine_id(root: Path) -> Iterator[str]:
    path = root / "etc/machine-id"
    if path.is_symlink() or not path.is_file():
        yield _tell(root, path, "is not an empty file", "Make it one: systemd fills it.")
    elif path.read_text(encoding="utf-8", errors="replace").strip() not in ("", "uninitialized"):
        yield _tell(root, path, "holds a machine id", "Empty it: systemd fills it.")


def _resolver(root: Path) -> Iterator[str]:
    path = root / "etc/resolv.conf"
    if path.is_symlink():
        if "run/" not in str(path.readlink()):
            yield _tell(root, path, "is a link to what is not there", "Make it an empty file.")
    elif _read(path).strip():
        yield _tell(root, path, "holds the name servers of another network", "Empty it.")


def _passwords(root: Path) -> Iterator[str]:
    remedy = "Lock it with `*`: people and passwords come with the payload."
    for name, locked in (("etc/shadow", ("!", "*")), ("etc/passwd", ("x", "!", "*"))):
        for line in _read(root / name).splitlines():
            user, _, rest = line.partition(":")
            hashed = rest.partition(":")[0]
            if rest and not hashed.startswith(locked):
                how = "a" if hashed else "no"
                yield _tell(root, root / name, f"lets {user} in with {how} password", remedy)


def _host_name(root: Path, builder: str) -> Iterator[str]:
    if not builder or builder == "localhost":
        return
    word = re.compile(rf"(?<![\w.-]){re.escape(builder)}(?![\w-])")
    for path in _match(root, _NAMED):
        if word.search(_read(path)):
            what = f"holds the name of the computer that built it, {builder}"
            yield _tell(root, path, what, "Write another: a node's name comes with its payload.")


def _logs(root: Path) -> Iterator[str]:
    for path in _files(root / "var/log"):
        if not path.is_symlink() and path.stat().st_size:
            yield _tell(
                root, path, "is a log of another computer", "Remove it in the layer that leaves it."
            )


def _places(root: Path, places: tuple[str, ...]) -> Iterator[str]:
    places = tuple(place for place in places if not os.path.lexists(f"{root}{place}"))
    for path in (path for folder in _SEARCHED for path in _files(root / folder)):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        data = path.read_bytes()
        for place in places:
            if place.encode() in data:
                what = f"holds a path of the computer that built it, {place}"
                yield _tell(root, path, what, _LEAVE_OUT)


def _tell(root: Path, path: Path, what: str, remedy: str) -> str:
    return f"/{path.relative_to(root)} {what}. → {remedy}"


def _match(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Paths that match, sorted; no link is followed, for it may lead out of the tree."""
    for pattern in patterns:
        homes = _HOMES if pattern.startswith("~") else ("",)
        for home in homes:
            yield from _descend(root, (home + pattern.removeprefix("~")).split("/"))


def _descend(folder: Path, parts: list[str]) -> Iterator[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return
    first, *rest = parts
    for path in sorted(folder.iterdir()):
        if fnmatch.fnmatchcase(path.name, first):
            yield from _descend(path, rest) if rest else (path,)


def _files(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(files))


def _read(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    for found in find_identity(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]):
        sys.stdout.write(f"{found}\n")
