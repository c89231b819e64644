"""Nothing that is shown gives orders to the terminal, wherever it came from."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Control characters (also the C1 ones, which are escapes of one letter), line ends of Unicode,
# those that turn the direction of the writing, and halves of pairs, which no terminal can be sent.
_UNFIT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class PlainText(LineFilter):
    """The last door before the terminal: takes away what it would obey, in any widget.

    Texts that come from cards and files are better written out where they are read
    (`autosetup.faults.shown`), so that people see what is in them.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments of one line, as wide as before."""
        return [_plain(segment) for segment in segments]


def _plain(segment: Segment) -> Segment:
    if segment.control or not _UNFIT.search(segment.text):
        return segment
    return Segment(_UNFIT.sub(_blot, segment.text), segment.style)


def _blot(unfit: re.Match[str]) -> str:
    return "?" * cell_len(unfit[0])
