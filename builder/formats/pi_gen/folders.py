"""Stage folders as values: what of them decides about the order of a build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flasher.errors import BadInput

_NUMBERED = re.compile(r"\d\d-")
_READ_LIMIT = 1 << 20
_FOLLOWED = 2  # the depth of patch folders


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder of a stage.

    Attributes:
        executable: somebody's execute bit is set.
        data: of a file, where it is one that the order or the lint reads; else empty.
        inside: of a folder.
    """

    name: str
    is_folder: bool = False
    executable: bool = False
    data: bytes = b""
    inside: tuple[Item, ...] = ()

    @property
    def text(self) -> str:
        """`data` as text."""
        return self.data.decode(errors="replace")

    def find(self, name: str) -> Item | None:
        """What has this name inside, if anything has."""
        return next((each for each in self.inside if each.name == name), None)

    def file(self, name: str) -> Item | None:
        """The file of this name inside."""
        found = self.find(name)
        return found if found and not found.is_folder else None

    def folder(self, name: str) -> Item | None:
        """The folder of this name inside."""
        found = self.find(name)
        return found if found and found.is_folder else None

    @property
    def folders(self) -> tuple[Item, ...]:
        """The folders inside."""
        return tuple(each for each in self.inside if each.is_folder)

    def walk(self) -> Iterator[Item]:
        """All that is inside, at any depth."""
        for each in self.inside:
            yield each
            yield from each.walk()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage folder.

    Attributes:
        folder: where it lies, without symbolic links.
        top: all that is in it, in the order of a shell in the C locale.
    """

    folder: Path
    top: Item

    @property
    def name(self) -> str:
        """What the tools call it: the last name of its path."""
        return self.folder.name


def read_stage(folder: Path) -> Stage:
    """Read a stage folder, its scripts and lists with their contents.

    Raises:
        BadInput: there is no such folder.
    """
    if not folder.is_dir():
        raise BadInput(
            "stage-missing",
            f"There is no stage folder {folder}.",
            "Name folders that exist, such as stage0 of a clone of pi-gen.",
        )
    return Stage(folder.resolve(), _read(folder.resolve(), 0))


def _read(path: Path, depth: int) -> Item:
    if path.is_dir() and not (path.is_symlink() and depth > _FOLLOWED):
        # Shells skip names with a leading dot; so do the tools.
        names = sorted(each.name for each in path.iterdir() if not each.name.startswith("."))
        inside = tuple(_read(path / name, depth + 1) for name in names)
        return Item(path.name, is_folder=True, inside=inside)
    if path.is_dir():  # a link deep inside could lead in a circle
        return Item(path.name, is_folder=True)
    executable = path.is_file() and bool(path.stat().st_mode & 0o111)
    return Item(path.name, executable=executable, data=_data(path, depth))


def _data(path: Path, depth: int) -> bytes:
    """A file's bytes where it is small and may count: in the stage itself, or numbered."""
    wanted = depth == 1 or _NUMBERED.match(path.name) or path.parent.name.endswith("-patches")
    if not wanted or not path.is_file() or path.stat().st_size > _READ_LIMIT:
        return b""
    return path.read_bytes()
