"""Reading config.txt as the firmware of a Raspberry Pi does: which settings are in force.

After Raspberry Pi's documentation, "What is config.txt" and "Boot options". Nothing is touched but
the files that are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from flasher.firmware.boards import Board
from flasher.firmware.filters import Filters

CONFIG = "config.txt"
LINE_LIMIT = 98
# These take their value after a space.
_SPACED = ("initramfs", "include")
_DEEPEST = 8
_BYTE_ORDER_MARK = "\ufeff"


class BootFiles(Protocol):
    """The files of a boot partition, by path without a leading slash; cases do not count."""

    def exists(self, path: str, /) -> bool:
        """Whether there is such a file."""
        ...

    def read(self, path: str, /) -> bytes:
        """A whole file."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One line in force: ``place`` is where it stands, such as ``config.txt line 12``."""

    key: str
    value: str
    place: str

    def __str__(self) -> str:
        sign = " " if self.key in _SPACED else "="
        return f"{self.place}: {self.key}{sign}{self.value}"


@dataclass(frozen=True, slots=True)
class Config:
    """What a config.txt comes to on one board.

    Attributes:
        settings: those in force, in order; of some kinds all count, of most the last.
        problems: what the firmware would ignore, cut off, or decide otherwise, with its place.
    """

    settings: tuple[Setting, ...]
    problems: tuple[str, ...]

    def find(self, *keys: str) -> Setting | None:
        """The last setting of any of the keys."""
        return next((s for s in reversed(self.settings) if s.key in keys), None)

    def text(self, key: str, default: str = "") -> str:
        """The last value of a key."""
        found = self.find(key)
        return found.value if found else default

    def on(self, key: str, *, default: bool = False) -> bool:
        """Whether a number is set and not 0."""
        value = self.text(key)
        return value.strip("0") != "" if value.isdecimal() else default


def read_config(files: BootFiles, board: Board) -> Config:
    """Evaluate config.txt and what it includes; without one, everything has its default."""
    reader = _Reader(files, Filters(board))
    if files.exists(CONFIG):
        reader.read(CONFIG)
    return Config(tuple(reader.settings), tuple(reader.problems))


class _Reader:
    """Gathers settings and problems while the lines go by."""

    def __init__(self, files: BootFiles, filters: Filters) -> None:
        self._files, self._filters = files, filters
        self.settings: list[Setting] = []
        self.problems: list[str] = []

    def read(self, name: str, depth: int = 0) -> None:
        """Take in a file, and those that it includes."""
        for place, line in self._lines(name):
            if line.startswith("["):
                self._enter(place, line)
            elif self._filters.met:
                self._take(place, line, depth)

    def _lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Lines that say something, with their places."""
        text = self._files.read(name).decode(errors="replace")
        for number, full in enumerate(text.splitlines(), 1):
            place, line = f"{name} line {number}", full.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith(_BYTE_ORDER_MARK):
                self.problems.append(f"{place}: a byte order mark spoils this line; it is ignored.")
                continue
            if len(line) > LINE_LIMIT:
                what = f"{place}: the firmware ignores what follows character {LINE_LIMIT}."
                self.problems.append(what)
            yield place, line[:LINE_LIMIT]

    def _enter(self, place: str, line: str) -> None:
        doubt = self._filters.enter(line[1:].partition("]")[0])
        if doubt:
            self.problems.append(f"{place}: {line} is skipped: {doubt}.")

    def _take(self, place: str, line: str, depth: int) -> None:
        word, _, rest = line.partition(" ")
        key, sign, value = line.partition("=")
        if word in _SPACED:
            self._take_spaced(Setting(word, rest.strip(), place), depth)
        elif not sign:
            self.problems.append(f"{place}: {line!r} is no setting; it is ignored.")
        elif key in _SPACED:
            self.problems.append(f"{place}: {key} takes a space, not an equals sign.")
        elif key != key.rstrip() or value != value.lstrip():
            self.problems.append(f"{place}: spaces beside the equals sign spoil {line!r}.")
        else:
            self.settings.append(Setting(key, value, place))

    def _take_spaced(self, setting: Setting, depth: int) -> None:
        if setting.key != "include":
            self.settings.append(setting)
        elif not self._files.exists(setting.value):
            self.problems.append(f"{setting}: there is no such file to include.")
        elif depth == _DEEPEST:
            self.problems.append(f"{setting}: too many files include one another.")
        else:
            self.read(setting.value, depth + 1)
