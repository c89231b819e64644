"""Words of a Dockerfile, as its instructions read them: quotes, escapes, variables.

After the reference of Dockerfiles, "Environment replacement": ``$x``, ``${x}``, ``${x:-word}``,
``${x:+word}``, both without the colon, and ``${x:?word}``. `RUN` leaves all this to its shell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_]\w*|\d")
_OPERATOR = re.compile(r":?[-+?]")


class WordFault(ValueError):
    """A word that cannot be read; its text is a sentence."""


def expand(text: str, values: Mapping[str, str], escape: str = "\\") -> str:
    """A word with its variables replaced and its quotes taken off.

    Args:
        values: of variables; one that is not there is empty.
        escape: the character before one that means itself.

    Raises:
        WordFault: a quote or a brace is not closed, or a variable must be set and is not.
    """
    return _Reader(text, values, escape).read()


def expand_text(text: str, values: Mapping[str, str]) -> str:
    """Text of several lines with its variables replaced; quotes are of no meaning in it.

    Raises:
        WordFault: as `expand`.
    """
    return _Reader(text, values, "\\", quotes=False).read()


def split(text: str, escape: str = "\\") -> tuple[str, ...]:
    """Words between blanks, with their quotes; blanks in quotes and escaped ones part nothing."""
    one = re.escape(escape)
    word = rf"""(?:{one}.|'[^']*'|"(?:{one}.|[^"])*"|[^\s])+"""
    return tuple(re.findall(word, text, re.DOTALL))


class _Reader:
    """Reads one text from its begin to its end."""

    def __init__(
        self, text: str, values: Mapping[str, str], escape: str, *, quotes: bool = True
    ) -> None:
        self._text, self._values, self._escape, self._quotes = text, values, escape, quotes
        self._at = 0

    def read(self, end: str = "") -> str:
        """All up to a character, which is passed over; up to the end of the text for none."""
        told: list[str] = []
        while (char := self._next()) != end:
            if not char:
                raise WordFault(f"{self._text}: a {end} is missing.")
            told.append(self._piece(char))
        return "".join(told)

    def _piece(self, char: str) -> str:
        if char == "$":
            return self._variable()
        if char == self._escape:
            return self._next() if self._quotes else self._escaped("$")
        if char == "'" and self._quotes:
            return self._literal()
        if char == '"' and self._quotes:
            return self._quoted()
        return char

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _literal(self) -> str:
        end = self._text.find("'", self._at)
        if end < 0:
            raise WordFault(f"{self._text}: a ' is missing.")
        begin, self._at = self._at, end + 1
        return self._text[begin:end]

    def _quoted(self) -> str:
        told: list[str] = []
        while (char := self._next()) != '"':
            if not char:
                raise WordFault(f'{self._text}: a " is missing.')
            if char == "$":
                told.append(self._variable())
            else:
                told.append(self._escaped('"$') if char == self._escape else char)
        return "".join(told)

    def _escaped(self, special: str) -> str:
        """What an escape character stands for where it counts before some characters only."""
        following = self._text[self._at : self._at + 1]
        if following and following in special + self._escape:
            self._at += 1
            return following
        return self._escape

    def _variable(self) -> str:
        if self._text[self._at : self._at + 1] == "{":
            self._at += 1
            return self._braced()
        found = _NAME.match(self._text, self._at)
        if not found:
            return "$"
        self._at = found.end()
        return self._values.get(found[0], "")

    def _braced(self) -> str:
        found = _NAME.match(self._text, self._at)
        if not found:
            raise WordFault(f"{self._text}: ${{ is followed by no name.")
        self._at, name = found.end(), found[0]
        if self._text[self._at : self._at + 1] == "}":
            self._at += 1
            return self._values.get(name, "")
        operator = _OPERATOR.match(self._text, self._at)
        if not operator:
            raise WordFault(f"{self._text}: of ${{{name}…}} the part after the name is not known.")
        self._at = operator.end()
        return self._chosen(name, operator[0], self.read("}"))

    def _chosen(self, name: str, operator: str, word: str) -> str:
        value = self._values.get(name)
        there = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("+"):
            return word if there else ""
        if there:
            return value or ""
        if operator.endswith("?"):
            raise WordFault(f"{name} is not set: {word or 'it must be'}.")
        return word
