"""Settings of a makefile, as people write them into pi-builder's ``config.mk``.

Assignments alone are read; what only make itself could answer is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from flasher.errors import BadInput

_ASSIGNMENT = re.compile(
    r"(?:(?:export|override)\s+)*([A-Za-z_][\w.-]*)\s*(\?|\+|::?)?=\s*(.*?)\s*"
)
_GOES_ON = "\\"
_REFERENCE = re.compile(r"\$(?:\$|\((\w+)\)|\{(\w+)\}|(.?))")
_PLAIN = "Write plain assignments, such as BOARD = rpi4; or give the value in `args` of the recipe."


def read_makefiles(paths: tuple[Path, ...]) -> Mapping[str, str]:
    """The variables that makefiles set, the last one of a name.

    Raises:
        BadInput: a file cannot be read, or holds more than assignments.
    """
    raw: dict[str, str] = {}
    for path in paths:
        for line, text in _lines(path):
            found = _ASSIGNMENT.fullmatch(text)
            if not found:
                raise _refused(f"{path.name}:{line}: {text}: this is no assignment.")
            name, how, value = found.groups()
            if how == "+":
                raw[name] = f"{raw.get(name, '')} {value}".strip()
            elif how != "?" or name not in raw:
                raw[name] = value
    return {name: _value(name, raw, ()) for name in raw}


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, joined where they go on, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"{path} cannot be read: {error}."
        raise BadInput("config-missing", what, "Name a file config.mk of pi-builder.") from None
    told, begin, joined = [], 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        begin = begin if joined else number
        bare = re.sub(r"(?<!\\)#.*", "", line).rstrip()
        joined += f"{bare.removesuffix(_GOES_ON).strip()} "  # make joins lines by one blank
        if not bare.endswith(_GOES_ON):
            told.append((begin, joined.strip()))
            joined = ""
    return [(number, line) for number, line in told if line]


def _value(name: str, raw: Mapping[str, str], within: tuple[str, ...]) -> str:
    if name in within:
        raise _refused(f"The variable {name} of the config refers to itself.")

    def replace(found: re.Match[str]) -> str:
        other = found[1] or found[2]
        if found[0] == "$$":
            return "$"
        if not other:
            raise _refused(f"The variable {name} of the config asks make itself: {raw[name]}")
        return _value(other, raw, (*within, name))

    return _REFERENCE.sub(replace, raw.get(name, ""))


def _refused(what: str) -> BadInput:
    return BadInput("config-refused", what, _PLAIN)
