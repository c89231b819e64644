"""Would Linux run this file as a script? What is wrong with it, and what can be mended for sure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from autosetup.faults import Fault
from autosetup.toml_remedies import SMART_MARKS

MAX_BYTES = 1 << 20

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PROGRAM = re.compile(r"#!\s*/\S")
_EXAMPLES = "such as #!/bin/sh or #!/usr/bin/python3"
_LINES_FOR_QUOTES = 20


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found in a script.

    Attributes:
        faults: why Linux would not run it; nobody but its author can mend them.
        mendable: the same, but `mend` takes them away and changes nothing else.
        warnings: what looks wrong and may be meant.
    """

    faults: tuple[Fault, ...] = ()
    mendable: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether it can go onto a card as it is."""
        return not (self.faults or self.mendable)


def examine(name: str, raw: bytes) -> Examination:
    """Look at a script before it goes onto a card.

    Args:
        name: of the file, to be told in the faults.
        raw: its bytes.
    """
    text = mend(raw).decode("utf-8", errors="replace")
    mendable = () if "\0" in text else tuple(_slips(name, raw))
    return Examination(tuple(_faults(name, raw, text)), mendable, tuple(_warnings(name, text)))


def mend(raw: bytes) -> bytes:
    """The script as UTF-8 without a byte order mark, with Unix line ends; nothing else differs."""
    return _as_utf8(raw).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _as_utf8(raw: bytes) -> bytes:
    if raw.startswith(_UTF16_MARKS) and len(raw) % 2 == 0:
        return raw.decode("utf-16", errors="replace").encode()
    return raw.removeprefix(_UTF8_MARK)


def _slips(name: str, raw: bytes) -> Iterator[Fault]:
    """What editors of other systems do to a script."""
    if raw.startswith(_UTF16_MARKS):
        what = "The file is UTF-16, as Windows calls Unicode, so Linux cannot run it."
        yield Fault(name, 1, 1, what, "Save it as UTF-8.")
    elif raw.startswith(_UTF8_MARK):
        what = "The file begins with a byte order mark, so Linux cannot start it."
        yield Fault(name, 1, 1, what, "Save it as UTF-8 without BOM.")
    before, ending, _ = _as_utf8(raw).partition(b"\r")
    if ending:
        what = "The lines end as on Windows (CRLF), so Linux cannot run the script."
        yield Fault(name, before.count(b"\n") + 1, 0, what, "Save it with Unix line ends (LF).")


def _faults(name: str, raw: bytes, text: str) -> Iterator[Fault]:
    first = text.partition("\n")[0]
    if len(raw) > MAX_BYTES:
        what = f"The file is larger than a script may be: {MAX_BYTES >> 20} MiB."
        yield Fault(name, 0, 0, what, "Let the script fetch what is so large.")
    elif not raw.strip():
        yield Fault(name, 0, 0, "The file is empty.", f"Begin it with a line {_EXAMPLES}.")
    elif "\0" in text:
        what = "This is no script: it has bytes in it that no text has."
        yield Fault(name, 0, 0, what, "Choose the script itself, not an archive or a program.")
    elif not first.startswith("#!"):
        what = "The first line does not say which program runs the script."
        yield Fault(name, 1, 1, what, f"Begin it with a line {_EXAMPLES}.")
    elif not _PROGRAM.match(first):
        what = "The first line does not give the whole path of the program."
        yield Fault(name, 1, 3, what, f"Write it with its folder, {_EXAMPLES}.")


def _warnings(name: str, text: str) -> Iterator[Fault]:
    for line, column, quote in islice(_curly_quotes(text), 1):
        what = f"The quote {quote} is a curly one, which no program takes for a quote."
        yield Fault(name, line, column, what, "Replace it by a plain one.")
    before, strange, _ = text.partition("\ufffd")
    if strange and "\0" not in text:
        what = "There are letters on this line that are not UTF-8."
        yield Fault(name, before.count("\n") + 1, 0, what, "Save the file as UTF-8.")


def _curly_quotes(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, column and quote of those in the first lines, other than in comments."""
    for number, line in enumerate(text.split("\n")[:_LINES_FOR_QUOTES], 1):
        if number == 1 or not line.lstrip().startswith("#"):
            yield from ((number, at, c) for at, c in enumerate(line, 1) if c in SMART_MARKS)
