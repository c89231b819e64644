"""Where people keep files that they were given: their home, and the sticks that are plugged in."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STICKS = re.compile(r"(?:/run)?/media/.+|/mnt(?:/[^/]+)?")
MOST_ENTRIES = 2000


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """What is in a folder.

    Attributes:
        folder: absolute.
        folders, files: those with a name that does not begin with a dot, by name.
        is_cut: whether there are more than are told.
    """

    folder: Path
    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    is_cut: bool = False


def home() -> Path:
    """The home of the person at the keyboard, also under sudo."""
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and caller.isdigit():
        try:
            return Path(pwd.getpwuid(int(caller)).pw_dir)
        except KeyError:
            pass
    return Path.home()


def typed_path(text: str) -> Path:
    """The path that a person typed; as it stands where nobody has the name in ``~name``."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def sticks(mounts: str) -> tuple[Path, ...]:
    """Where sticks are mounted, by ``/proc/self/mounts`` (proc(5)): blanks are ``\\040`` there."""
    places = (line.split(" ")[1] for line in mounts.splitlines() if line.count(" ") >= 2)
    plain = (re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), place) for place in places)
    return tuple(sorted({Path(place) for place in plain if _STICKS.fullmatch(place)}))


def mounted_sticks() -> tuple[Path, ...]:
    """Those that are plugged in now."""
    try:
        return sticks(Path("/proc/self/mounts").read_text(errors="replace"))
    except OSError:
        return ()


def look_into(folder: Path) -> FoundFolder:
    """What is in a folder; raises `OSError` where it cannot be read."""
    found = sorted(_visible(folder), key=lambda pair: pair[0].name.casefold())
    some = found[:MOST_ENTRIES]
    return FoundFolder(
        folder,
        tuple(path for path, is_folder in some if is_folder),
        tuple(path for path, is_folder in some if not is_folder),
        len(found) > len(some),
    )


def completed(typed: str) -> str | None:
    """What is typed, completed to the first name that begins so; None where none does."""
    path = typed_path(typed)
    if not typed or typed.endswith("/") or typed == "~":
        return None
    try:
        names = sorted((entry for entry in os.scandir(path.parent)), key=lambda e: e.name)
    except OSError:
        return None
    for entry in names:
        if entry.name.startswith(path.name) and (path.name.startswith(".") or entry.name[0] != "."):
            return typed + entry.name[len(path.name) :] + ("/" if entry.is_dir() else "")
    return None


def _visible(folder: Path) -> Iterator[tuple[Path, bool]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                yield Path(entry.path), entry.is_dir()
