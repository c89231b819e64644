"""Faults found in what people typed: where it is, what it is, what to type instead."""

from __future__ import annotations

from dataclasses import dataclass


def shown(text: str) -> str:
    """A text with everything that a screen would obey, or not show, written out: ``\\x1b``."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault in one document.

    Attributes:
        file: name as people know it, such as ``node.toml``.
        line: 1-based; 0 where the fault belongs to the whole file.
        column: 1-based; 0 where only the line is known.
        what: the fact.
        remedy: what to type or do.
    """

    file: str
    line: int
    column: int
    what: str
    remedy: str

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        return shown(f"{place}: {self.what} {self.remedy}".rstrip())


class Faulty(ValueError):
    """A document that was refused; carries all its faults, sorted by place."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))
