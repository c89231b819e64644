"""Package lists of stages: the words that apt gets, and what stands for packages Debian lacks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("substitutes.toml")
_COMMENT = re.compile(r"#[^\n]*")
_NAME = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.:-]*?)(?P<rest>-|(?<!\+)\+|[=/]\S+)?")


@dataclass(frozen=True, slots=True)
class Substitute:
    """What to take where a package is not in Debian.

    Attributes:
        names: a regular expression of the whole names that it is for.
        take: Debian's packages that do the work; often none. ``$KERNEL`` is the flavour of its
            kernel, ``\\1`` the first group of `names`.
        why: a sentence.
    """

    names: str
    take: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Swap:
    """A word of a list, what was taken in its place, and why, in a sentence."""

    word: str
    taken: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.word}: {' '.join(self.taken) or 'nothing'} instead. {self.why}"


def read_words(text: str) -> tuple[str, ...]:
    """The words of a package file, as apt's command line gets them.

    Comments go from ``#`` to the end of the line. In a file of one line the tools leave them to the
    shell, which knows them only at the start of a word: ``a#b c`` is two words there.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) == 1:
        return tuple(re.sub(r"(^|\s)#.*", "", lines[0]).split())
    return tuple(_COMMENT.sub("", text).split())


def join_options(words: Sequence[str]) -> tuple[str, ...]:
    """The same with each option in one word, so that their order does not count.

    ``-t SUITE`` chooses a suite for all words of its list, as apt does.
    """
    told: list[str] = []
    for word in words:
        if told and told[-1] in ("-t", "--target-release", "--default-release"):
            told[-1] = f"--target-release={word}"
        else:
            told.append(word)
    return tuple(told)


def is_option(word: str) -> bool:
    """Whether apt takes it as an option."""
    return word.startswith("-")


def split_name(word: str) -> tuple[str, str]:
    """A package's name, and what follows it: ``-`` (not wanted), ``=version``, ``/suite`` or ""."""
    match = _NAME.fullmatch(word)
    return (match["name"], match["rest"] or "") if match else (word, "")


@cache
def substitutes() -> Sequence[Substitute]:
    """The table, in its order: the first that fits counts."""
    table: Mapping[str, object] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    rows = table["substitute"]
    assert isinstance(rows, list)
    return tuple(Substitute(row["names"], tuple(row["take"]), row["why"]) for row in rows)


def find_substitute(name: str) -> Substitute | None:
    """What to take for a package that plain Debian lacks, or must not have; None for all others."""
    return next((each for each in substitutes() if re.fullmatch(each.names, name)), None)


def substitute_words(
    words: Sequence[str], architecture: str
) -> tuple[tuple[str, ...], tuple[Swap, ...]]:
    """Words for Debian's own archive, each once, and what was put in the place of what.

    Args:
        architecture: Debian's name.
    """
    told: list[str] = []
    swaps: list[Swap] = []
    for word in words:
        name, rest = split_name(word)
        found = None if is_option(word) else find_substitute(name)
        if found is None:
            told.append(word)
            continue
        wanted = (each.replace("$KERNEL", _KERNELS[architecture]) for each in found.take)
        taken = tuple(re.sub(found.names, each, name) for each in wanted)
        swaps.append(Swap(word, taken, found.why))
        if rest != "-":
            told += taken
    return tuple(dict.fromkeys(told)), tuple(swaps)


_KERNELS = {"arm64": "arm64", "armhf": "armmp", "amd64": "amd64", "i386": "686"}
