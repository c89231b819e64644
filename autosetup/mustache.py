"""Templates: the logic-less core of mustache(5), strict and without HTML escaping.

Known are variables (``{{name}}``; ``{{{name}}}`` and ``{{&name}}`` mean the same), sections
(``{{#name}} … {{/name}}``), inverted sections (``{{^name}} … {{/name}}``), comments (``{{! … }}``),
dotted names and ``{{.}}``. As in the public specification, a line that holds nothing but a
section's tag or a comment leaves no trace. Unlike there, a name that nobody knows is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autosetup.faults import Fault, Faulty

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]

_TAG = re.compile(r"\{\{(?:\{(?P<triple>.*?)\}\}\}|(?P<tag>.*?)\}\})", re.DOTALL)
_NAME = re.compile(r"\.|[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_ALONE = "#^/!"
_FOREIGN = {">": "Partials", "<": "Parents", "$": "Blocks", "=": "Other delimiters"}


class _Name(NamedTuple):
    text: str
    at: int


@dataclass(slots=True)
class _Section:
    """What stands between two tags; the whole template is a section without a name."""

    name: _Name
    inverted: bool = False
    parts: list[str | _Name | _Section] = field(default_factory=list)


def render(file: str, text: str, values: Mapping[str, Value]) -> str:
    """Fill a template in.

    Args:
        file: the name to show in faults.
        text: the template.
        values: what the names stand for. False, empty text and an empty list do not show a section;
            a list shows it once for each item, a table with its own names.

    Raises:
        Faulty: with every fault of the template, by line and column.
    """
    rendering = _Rendering(file, text)
    top = rendering.parse()
    rendered = "".join(rendering.fill(top.parts, (values,)))
    if rendering.faults:
        raise Faulty(list(set(rendering.faults)))
    return rendered


class _Rendering:
    """One template, with the faults found so far."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text = file, text
        self.faults: list[Fault] = []

    def parse(self) -> _Section:
        """The template as a tree."""
        stack = [_Section(_Name("", 0))]
        at = 0
        for tag in _TAG.finditer(self._text):
            kind, name = self._split(tag)
            end, after = self._around(tag, kind)
            self._add_text(stack[-1], at, max(at, end))
            self._add_tag(stack, kind, name)
            at = after
        self._add_text(stack[-1], at, len(self._text))
        for open_section in stack[1:]:
            what = f"The section {open_section.name.text} is not closed."
            self._fault(open_section.name.at, what, f"Add {{{{/{open_section.name.text}}}}}.")
        return stack[0]

    def fill(
        self, parts: Sequence[str | _Name | _Section], stack: tuple[Value, ...]
    ) -> Iterator[str]:
        """The text of a tree; `stack` holds the values in reach, the nearest last."""
        for part in parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, _Name):
                yield self._plain(part, self._look_up(part, stack))
            else:
                yield from self._fill_section(part, stack)

    def _fill_section(self, section: _Section, stack: tuple[Value, ...]) -> Iterator[str]:
        value = self._look_up(section.name, stack)
        if section.inverted == bool(value):
            # Not shown, but looked through: a fault must not wait for a value to change.
            if section.inverted or isinstance(value, str | int):
                list(self.fill(section.parts, stack))
        elif isinstance(value, str | int | Mapping):
            yield from self.fill(section.parts, (*stack, value))
        elif section.inverted or value is None:
            yield from self.fill(section.parts, stack)
        else:
            for item in value:
                yield from self.fill(section.parts, (*stack, item))

    def _split(self, tag: re.Match[str]) -> tuple[str, _Name]:
        """What kind of tag it is, and the name in it with its place."""
        inside = tag["triple"] if tag["tag"] is None else tag["tag"]
        bare = inside.strip()
        kind = bare[:1] if tag["tag"] is not None and bare[:1] in (*_ALONE, "&", *_FOREIGN) else ""
        name = bare[len(kind) :].strip()
        if kind in _FOREIGN and kind:
            what = f"{_FOREIGN[kind]} are not known here."
            self._fault(tag.start(), what, "Write the text out.")
        elif kind != "!" and not _NAME.fullmatch(name):
            self._fault(tag.start(), f"{tag[0]!r} holds no name.", "Write it like {{name}}.")
        return kind, _Name(name, tag.start())

    def _around(self, tag: re.Match[str], kind: str) -> tuple[int, int]:
        """Where the text before a tag ends and that after it begins: a tag alone takes its line."""
        begin = self._text.rfind("\n", 0, tag.start()) + 1
        rest = _REST_OF_LINE.match(self._text, tag.end())
        if kind and kind in _ALONE and rest and not self._text[begin : tag.start()].strip(" \t"):
            return begin, rest.end()
        return tag.start(), tag.end()

    def _add_text(self, section: _Section, begin: int, end: int) -> None:
        if (opening := self._text.find("{{", begin, end)) >= 0:
            self._fault(opening, "This tag is not closed.", "Close it with }}.")
        section.parts.append(self._text[begin:end])

    def _add_tag(self, stack: list[_Section], kind: str, name: _Name) -> None:
        if kind in ("", "&"):
            stack[-1].parts.append(name)
        elif kind in ("#", "^"):
            section = _Section(name, kind == "^")
            stack[-1].parts.append(section)
            stack.append(section)
        elif kind == "/" and name.text == stack[-1].name.text and len(stack) > 1:
            stack.pop()
        elif kind == "/":
            open_name = stack[-1].name.text
            remedy = f"Close {open_name} first." if open_name else "Remove it."
            self._fault(name.at, f"The section {name.text} is not open here.", remedy)

    def _look_up(self, name: _Name, stack: tuple[Value, ...]) -> Value | None:
        """What a name stands for: the nearest value with its first part, then on from there."""
        if name.text == ".":
            return stack[-1]
        first, *rest = name.text.split(".")
        tables = [value for value in stack if isinstance(value, Mapping)]
        found: Value | None = next((t[first] for t in reversed(tables) if first in t), None)
        for part in rest:
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None and _NAME.fullmatch(name.text):
            known = ", ".join(sorted({key for table in tables for key in table}))
            self._fault(name.at, f"{name.text} is not known here.", f"Known are: {known}.")
        return found

    def _plain(self, name: _Name, value: Value | None) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int):
            return str(value)
        if value is not None:
            what = f"{name.text} is more than one value."
            self._fault(name.at, what, f"Write {{{{#{name.text}}}}} … {{{{/{name.text}}}}}.")
        return ""

    def _fault(self, at: int, what: str, remedy: str) -> None:
        line = self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        self.faults.append(Fault(self._file, line, column, what, remedy))
