"""What to do about a line that is no TOML: guessed from what people and editors do to them."""

from __future__ import annotations

import re
from collections.abc import Sequence

SMART_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb"
SMART_MARKS = SMART_QUOTES + "\u2018\u2019\u201a\u201b"

# Blanks that look like one and are none, and marks that nobody sees.
_INVISIBLE = "\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff\u00ad"
_TWICE = re.compile(r"overwrite|twice|duplicate|mutate|redefine|immutable", re.IGNORECASE)
_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAMED = re.compile(rf"\s*{_KEY}(?:\s*\.\s*{_KEY})*\s*=\s*(?P<value>.*)")
_SEPARATED_BY_COLON = re.compile(rf"\s*[{{-]?\s*{_KEY}\s*:")

# By what a value begins with, or a line; the first that fits counts.
_VALUES = (
    (re.compile(r"(?:#.*)?\Z"), "Type a value behind the =."),
    (
        re.compile(r"(?i:true|false|yes|no|on|off)\b"),
        "Type true or false, in small letters and without quotes.",
    ),
    (re.compile(r"[+-]?0[0-9]"), "Type the number without a 0 in front, or the text in quotes."),
    (re.compile(r"[+-]?[0-9]+,[0-9]"), "Write numbers with a point, and texts in quotes."),
    (re.compile(r"""[^"'\[{0-9+-]"""), 'Put the text in plain quotes: "…".'),
    (
        re.compile(r"""\[(?:[^\]]*\Z|.*["'0-9]\s+["'0-9])"""),
        "Put commas between the items, and close the list with ].",
    ),
    (re.compile(r"\[\s*,|\[.*,\s*,"), "Delete one of the commas: there is nothing between them."),
    (re.compile(r".*,\s*(?:#.*)?\Z"), "Delete the comma at the end."),
    (re.compile(r"\{.*,\s*\}"), "Delete the comma in front of }."),
    (
        re.compile(r"\{(?!.*\\)"),
        "Write the table as [name], with a line for each of its values below.",
    ),
    (re.compile(r".*\\"), "Write \\\\ for each \\, or put the text in single quotes: '…'."),
    (
        re.compile(r"""(?:"[^"]*"|'[^']*'|[0-9.]+)\s*[^\s#]"""),
        "Delete what stands behind the value, or put all of it in one pair of quotes.",
    ),
)


def remedy_for(what: str, lines: Sequence[str], line: int, column: int) -> str:
    """What to do.

    Args:
        what: the parser's own word.
        lines: of the document.
        line, column: where the parser stopped, 1-based.
    """
    here = lines[line - 1] if line <= len(lines) else ""
    if set(here) & set(SMART_MARKS):
        return 'Replace the curly quotes by plain ones: ".'
    if set(here) & set(_INVISIBLE):
        return "There are characters on this line that nobody sees: type it anew, by hand."
    if "\r" in here:
        return "Save the file with plain line ends (LF, or CRLF as on Windows)."
    if _TWICE.search(what):
        return "This key or table stands twice: delete one of them."
    if line >= len(lines) and column > len(here):
        return "The file ends too early: it was cut off, or a quote or bracket is not closed."
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", here):
        return "Delete the control character on this line."
    if _is_in_list(lines[: line - 1]):
        return _remedy_in_list(here)
    return _remedy_in(here)


def _is_in_list(above: Sequence[str]) -> bool:
    """Whether a list is open at the end of these lines."""
    for line in reversed(above):
        if "]" in line:
            return False
        if named := _NAMED.match(line):
            return named["value"].startswith("[")
    return False


def _remedy_in_list(here: str) -> str:
    if _NAMED.match(here) or here.lstrip().startswith("["):
        return "Close the list above this line with ]."
    return "Put each item of the list in quotes, and a comma behind it."


def _remedy_in(here: str) -> str:
    bare = here.strip()
    if bare.startswith(("//", ";")):
        return "Begin comments with #."
    if bare.startswith("["):
        return _remedy_for_header(bare)
    if named := _NAMED.match(here):
        return _remedy_for_value(named["value"].strip())
    if _SEPARATED_BY_COLON.match(here):
        return "Write = between name and value: name = value."
    if "=" not in here:
        return "Write it as name = value."
    return "Names have letters from a to z, digits, _ and - only; others stand in quotes."


def _remedy_for_header(bare: str) -> str:
    opened, closed = bare.count("["), bare.count("]")
    if closed < opened:
        return f"Close the bracket on this line with {']' * min(opened, 2)}."
    return "Write the head of a table as [name], or [[name]] for one of several."


def _remedy_for_value(value: str) -> str:
    if value.count('"') % 2:
        return 'Close the quote on this line with a plain ".'
    fitting = (remedy for pattern, remedy in _VALUES if pattern.match(value))
    return next(fitting, "Compare the line with the example in the guide.")
