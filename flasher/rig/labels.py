"""Labels for cards, laid out on sheets: what stands where, in millimetres.

A label has a QR code, from which its card is found in the ledger, and lines for people, the
position first. Texts are of fonts whose characters are all equally wide: their widths are known.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from flasher.errors import BadInput
from flasher.rig.entry import Entry

A4 = (210.0, 297.0)
# Of the em: Courier's characters; those of its kin are narrower, or by 1/300 wider.
_WIDTH, _HEIGHT, _ASCENT = 0.6, 1.1, 0.85
_SMALLEST = 1.3
# The sizes of lines to one another: the first, the second, the others.
_LARGE, _SMALL = (1.0, 0.75), 0.5
_MOST_PIECES = 3
# ISO/IEC 18004, 6.3.8: the empty modules around the code.
_QUIET = 4
_MARGIN = 1.0
_CUT = "…"
_ROLL = re.compile(r"([0-9]{1,3}(?:\.[0-9])?)x([0-9]{1,3}(?:\.[0-9])?)")
_ID_DIGITS = 8

Matrix = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where labels are on a page; all in mm, the grid in the middle of the page.

    Attributes:
        size: of a label, width and height.
        pitch: from one label to the next.
    """

    columns: int
    rows: int
    size: tuple[float, float]
    pitch: tuple[float, float]
    page: tuple[float, float] = A4

    @property
    def count(self) -> int:
        """Labels on one page."""
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """Upper left corner of a label; places go by rows, from 0."""
        at = (place % self.columns, place // self.columns)
        spans = (self.columns - 1, self.rows - 1)
        ends = zip(self.page, self.size, self.pitch, spans, at, strict=True)
        x, y = ((page - size - pitch * span) / 2 + pitch * n for page, size, pitch, span, n in ends)
        return x, y


# By labels on an A4 page. Sizes and pitches as in the templates of gLabels for the products named.
SHEETS = {
    "24": Sheet(3, 8, (70.0, 37.0), (70.0, 37.0)),  # Avery Zweckform 3474
    "65": Sheet(5, 13, (38.1, 21.2), (40.6, 21.2)),  # Avery L7651
    "80": Sheet(5, 16, (35.6, 16.9), (38.1, 16.9)),  # Avery L4732
    "270": Sheet(10, 27, (17.8, 10.0), (20.3, 10.0)),  # Avery L4730
}


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says.

    Attributes:
        code: what its QR code says.
        lines: the first ones are the largest, and the last to be left out.
    """

    code: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A black rectangle; its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `x` and `y` of its beginning on the base line, `size` of the em."""

    x: float
    y: float
    size: float
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page to be printed."""

    width: float
    height: float
    boxes: tuple[Box, ...] = field(repr=False)
    texts: tuple[Text, ...]


def parse_sheet(word: str) -> Sheet:
    """A sheet by its number of labels, or a roll by a label's size in mm: ``57x32``.

    Raises:
        BadInput: ``no-such-sheet``.
    """
    if word in SHEETS:
        return SHEETS[word]
    if found := _ROLL.fullmatch(word):
        size = float(found[1]), float(found[2])
        if min(size) >= 8:  # smaller ones hold no code that a camera reads
            return Sheet(1, 1, size, size, page=size)
    raise BadInput(
        "no-such-sheet",
        f"There is no sheet {word!r}.",
        f"Choose one of {', '.join(SHEETS)} labels on A4, or a roll's labels in mm: 57x32.",
    )


def label_of(card: Entry) -> Label:
    """The label of a card. The code is in capitals, as it takes less room so."""
    code = f"{card.node} {card.card_id[:_ID_DIGITS]}".upper()
    kind = " ".join(filter(None, (card.role, card.site)))
    day = (card.finished_at or card.written_at)[:10]
    lines = (card.position, card.node, kind, f"{day} #{card.generation}")
    return Label(code, tuple(dict.fromkeys(filter(str.strip, lines))))


def lay_out_labels(labels: Sequence[Label], sheet: Sheet, skip: int = 0) -> tuple[Page, ...]:
    """The pages that show all labels.

    Args:
        skip: places on the first page that are used up already.
    """
    pages = []
    numbered = groupby(enumerate(labels, skip), key=lambda pair: pair[0] // sheet.count)
    for _, found in numbered:
        boxes: list[Box] = []
        texts: list[Text] = []
        for number, label in found:
            x, y = sheet.corner(number % sheet.count)
            width, height = sheet.size
            side = min(height - 2 * _MARGIN, width * 0.45)
            boxes += _code(label.code, x + _MARGIN, y + (height - side) / 2, side)
            left = x + _MARGIN + side
            room = (x + width - _MARGIN - left, height - 2 * _MARGIN)
            texts += _lines(label.lines, left, y + _MARGIN, room)
        pages.append(Page(*sheet.page, tuple(boxes), tuple(texts)))
    return tuple(pages)


def _code(text: str, x: float, y: float, side: float) -> Iterator[Box]:
    """A QR code with its quiet zone in a square; each row's runs of black as one box."""
    matrix = _matrix(text)
    unit = side / (len(matrix) + 2 * _QUIET)
    for row, modules in enumerate(matrix, _QUIET):
        column = _QUIET
        for is_black, run in groupby(modules):
            length = len(list(run))
            if is_black:
                yield Box(x + column * unit, y + row * unit, length * unit, unit)
            column += length


def _matrix(text: str) -> Matrix:
    import segno

    # M: a code of which 15 % is gone is still read.
    found = segno.make_qr(text, error="m", boost_error=True)
    return tuple(tuple(bool(module) for module in row) for row in found.matrix)


def _lines(lines: Sequence[str], x: float, y: float, room: tuple[float, float]) -> Iterator[Text]:
    """Texts as large as there is room for, one below the other, in the middle of the height.

    The first two are broken if they are long; the others are left out if they would be too small.
    """
    width, height = room
    shown: list[tuple[str, float, float]] = []  # text, ratio, the largest size
    for line, ratio in zip(lines, _LARGE, strict=False):
        pieces = _broken(line, width)
        size = min(_size(piece, width) for piece in pieces)
        shown += [(piece, ratio, size) for piece in pieces]
    for line in lines[len(_LARGE) :]:
        size, weight = _size(line, width), sum(ratio for _, ratio, _ in shown) + _SMALL
        if min(size, height / (weight * _HEIGHT) * _SMALL) >= _SMALLEST:
            shown.append((line, _SMALL, size))
    largest = height / (sum(ratio for _, ratio, _ in shown) * _HEIGHT)
    sizes = [min(size, largest * ratio, height / 3) for _, ratio, size in shown]
    top = y + (height - sum(sizes) * _HEIGHT) / 2
    for (text, _, _), size in zip(shown, sizes, strict=True):
        yield Text(x, top + size * _ASCENT, size, text)
        top += size * _HEIGHT


def _size(text: str, width: float) -> float:
    """The size in which the text is as wide as that."""
    return width / (_WIDTH * cells(text))


def _broken(line: str, width: float) -> list[str]:
    """The line in pieces, each of which can be read; what is longer than three of them is cut."""
    length = max(int(width / (_WIDTH * _SMALLEST)), 1)
    return textwrap.wrap(line, length, max_lines=_MOST_PIECES, placeholder=_CUT)


def cells(text: str) -> int:
    """Width of a text in characters: those of East Asia are twice as wide, marks have no width."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return max(len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text), 1)
