"""A `Dockerfile.part` read to its instructions.

After the reference of Dockerfiles: lines that go on, comments between them, heredocs. pi-builder
puts the parts one behind the other; here each is read by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from builder.formats.pi_builder.words import split
from flasher.errors import BadInput

_COMMENT = re.compile(r"\s*#")
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*")
_FLAG = re.compile(r"--[a-z][a-z-]*(?:=\S*)?(?:\s+|$)")
_HEREDOC = re.compile(r"""\d*<<(-?)(['"]?)([A-Za-z_][\w.]*)\2""")
_WITH_FLAGS = ("ADD", "COPY", "FROM", "HEALTHCHECK", "RUN")
_WITH_HEREDOCS = ("ADD", "COPY", "RUN")


@dataclass(frozen=True, slots=True)
class Heredoc:
    """Text that stands below an instruction.

    Attributes:
        word: by which the instruction names it, such as ``<<EOF``.
        text: with the end of its last line.
        expands: variables in it are replaced.
        closing: the line that ends it.
    """

    word: str
    text: str
    expands: bool
    closing: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        file, line: where it begins; lines from 1.
        word: in capitals.
        rest: what follows it and its flags, joined to one line.
        flags: such as ``--chown=1:1``.
        escape: the character that escapes, in this file.
    """

    file: str
    line: int
    word: str
    rest: str
    flags: tuple[str, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    escape: str = "\\"

    @property
    def place(self) -> str:
        """File and line, for people."""
        return f"{self.file}:{self.line}"

    @property
    def arguments(self) -> tuple[str, ...] | None:
        """The texts of the JSON form; None for the other form."""
        try:
            told = json.loads(self.rest)
        except ValueError:
            return None
        fits = isinstance(told, list) and all(isinstance(each, str) for each in told)
        return tuple(told) if fits else None

    def refuse(self, what: str, hint: str) -> NoReturn:
        """Raise the error for an instruction that cannot be done."""
        raise BadInput("part-refused", f"{self.place}: {what}", hint)


def parse(text: str, file: str, *, first: bool = False) -> tuple[Instruction, ...]:
    """The instructions of a part.

    Args:
        file: what people call it.
        first: whether nothing stands before it: only there directives count, such as
            ``# escape=``.

    Raises:
        BadInput: ``part-refused``, with file and line.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    escape = _directives(lines).get("escape", "\\") if first else "\\"
    return tuple(_instructions(lines, file, escape))


def _directives(lines: Sequence[str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for line in lines:
        found = _DIRECTIVE.fullmatch(line)
        if not found:
            break
        told[found[1].lower()] = found[2]
    return told


def _instructions(lines: Sequence[str], file: str, escape: str) -> Iterator[Instruction]:
    goes_on = re.compile(rf"(?:(?<!{re.escape(escape)})|^){re.escape(escape)}[ \t]*$")
    at = 0
    while at < len(lines):
        begin = at
        joined, at = _join(lines, at, goes_on)
        if joined.strip():
            heredocs, at = _heredocs(joined, lines, at, file)
            yield _instruction(joined, file, begin + 1, heredocs, escape)


def _join(lines: Sequence[str], at: int, goes_on: re.Pattern[str]) -> tuple[str, int]:
    """A line with those that it goes on in, and the number of the line after them."""
    told = ""
    while at < len(lines):
        line, at = lines[at], at + 1
        if not line.strip() or _COMMENT.match(line):
            if told:
                continue
            break
        cut = goes_on.sub("", line, count=1)
        told += cut if told else cut.lstrip()
        if cut == line:
            break
    return told, at


def _instruction(
    joined: str, file: str, line: int, heredocs: tuple[Heredoc, ...], escape: str
) -> Instruction:
    word, *after = joined.split(None, 1)
    rest, flags = (after[0] if after else "").strip(), []
    while word.upper() in _WITH_FLAGS and (found := _FLAG.match(rest)):
        flags.append(found[0].strip())
        rest = rest[found.end() :]
    return Instruction(file, line, word.upper(), rest, tuple(flags), heredocs, escape)


def _heredocs(
    joined: str, lines: Sequence[str], at: int, file: str
) -> tuple[tuple[Heredoc, ...], int]:
    """The heredocs of an instruction, and the number of the line after them."""
    if joined.split(None, 1)[0].upper() not in _WITH_HEREDOCS:
        return (), at
    told = []
    for word in split(joined):
        if found := _HEREDOC.fullmatch(word):
            strip, quote, name = found.groups()
            below = [line.lstrip("\t") if strip else line for line in lines[at:]]
            if name not in below:
                what = f"{file}:{at}: no line {name} ends what {word} begins."
                raise BadInput("part-refused", what, f"Write {name} on a line of its own.")
            end = below.index(name)
            body = "".join(f"{line}\n" for line in below[:end])
            told.append(Heredoc(word, body, not quote, name))
            at += end + 1
    return tuple(told), at
