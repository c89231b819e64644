"""Screens as small SVG pictures in plain text, compared line by line with those kept in git.

``UPDATE_SNAPSHOTS=1`` writes them anew; any browser shows them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import accumulate, groupby
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.app import App
from textual.strip import Strip

KEPT = Path(__file__).parents[2] / "docs/pictures"
WIDTH, HEIGHT = 10, 20
BAR = "│"
_BLANK = f" {BAR}"
_FLAGS = {
    "bold": "font-weight:bold",
    "italic": "font-style:italic",
    "underline": "text-decoration:underline",
}
# The tests' own folder has a random name of fixed length.
_RANDOM = re.compile(r"/tmp/fl-\w{8}")


class Cell(NamedTuple):
    """A letter, the rule that draws it, and the colour behind it."""

    letter: str
    ink: str
    paper: str


class Run(NamedTuple):
    """A rectangle's part in one row: where, how wide, and the rule that fills it."""

    x: int
    wide: int
    rule: str


def check_picture(app: App[object], name: str) -> None:
    """Compare the screen as it is now with its picture of this name and size."""
    kept = KEPT / f"{name}-{app.size.width}x{app.size.height}.svg"
    found = draw(app)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        kept.write_text(found)
    assert kept.exists(), f"There is no {kept.name} yet: run once with UPDATE_SNAPSHOTS=1."
    changes = list(
        unified_diff(kept.read_text().splitlines(), found.splitlines(), lineterm="", n=0)
    )
    assert not changes, "\n".join(changes)


def draw(app: App[object]) -> str:
    """The screen as SVG: rectangles where the background differs, a text for each run of ink."""
    update = app.screen._compositor.render_update(
        full=True, screen_stack=app._background_screens, simplify=True
    )
    assert isinstance(update, LayoutUpdate)
    rows = [_cells(Strip.join(strips)) for strips in update.strips]
    ground = Counter(cell.paper for row in rows for cell in row).most_common(1)[0][0]
    names: dict[str, str] = {}
    shapes = [
        f'<path class="{_name(names, rule)}" d="M{x} {y}h{wide}v{high}h-{wide}"/>'
        for runs in (map(_papers, rows), map(_bars, rows))
        for x, y, wide, high, rule in _merged([*runs, set()])
        if rule != f"fill:#{ground}"
    ]
    letters = [line for y, row in enumerate(rows) if (line := _letters(y, row, names))]
    rules = "".join(f".{name}{{{rule}}}" for rule, name in names.items())
    size = f"{app.size.width * WIDTH} {app.size.height * HEIGHT}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" xml:space="preserve">'
    style = f"<style>text{{font:16.6px monospace}}{rules}</style>"
    shapes.insert(0, f'<path fill="#{ground}" d="M0 0h9999v9999h-9999"/>')
    return _RANDOM.sub(
        "/tmp/fl-________", "\n".join([head, style, *shapes, *letters, "</svg>", ""])
    )


def _cells(strip: Strip) -> list[Cell]:
    return [
        Cell(letter, *_colours(segment.style or Style()))
        for segment in strip
        for letter in segment.text
    ]


def _colours(style: Style) -> tuple[str, str]:
    """The rule for ink (with weight and lines), and the colour of the paper."""
    ink = style.color.get_truecolor().hex[1:] if style.color else "fff"
    paper = style.bgcolor.get_truecolor().hex[1:] if style.bgcolor else "000"
    if style.reverse:
        ink, paper = paper, ink
    extras = [css for flag, css in _FLAGS.items() if getattr(style, flag)]
    return ";".join([f"fill:#{ink}", *extras]), paper


def _papers(row: list[Cell]) -> set[Run]:
    """The backgrounds of a row."""
    runs = _runs(row, lambda cell: cell.paper)
    return {Run(x * WIDTH, len(run) * WIDTH, f"fill:#{run[0].paper}") for x, run in runs}


def _bars(row: list[Cell]) -> set[Run]:
    """The upright lines of frames in a row."""
    bars = (x for x, cell in enumerate(row) if cell.letter == BAR)
    return {Run(x * WIDTH + 4, 2, row[x].ink) for x in bars}


def _merged(rows: list[set[Run]]) -> Iterator[tuple[int, int, int, int, str]]:
    """Left, top, width, height and rule of rectangles; what goes on in the next row is one."""
    begun: dict[Run, int] = {}
    for y, runs in enumerate(rows):
        for run in sorted(begun.keys() - runs):
            top = begun.pop(run)
            yield run.x, top * HEIGHT, run.wide, (y - top) * HEIGHT, run.rule
        for run in runs:
            begun.setdefault(run, y)


def _letters(y: int, row: list[Cell], names: dict[str, str]) -> str:
    """The texts of a row; blanks take the ink of what stands before them."""
    inked = list(
        accumulate(
            row, lambda last, c: c if c.letter not in _BLANK else Cell(" ", last.ink, c.paper)
        )
    )
    texts = ""
    for start, run in _runs(inked, lambda cell: cell.ink):
        for found in re.finditer(r"\S+(?: {1,4}\S+)*", "".join(cell.letter for cell in run)):
            place = f'x="{(start + found.start()) * WIDTH}" y="{y * HEIGHT + 15}"'
            texts += f'<text class="{_name(names, run[0].ink)}" {place}>{escape(found[0])}</text>'
    return texts


def _runs(row: list[Cell], key: Callable[[Cell], str]) -> Iterator[tuple[int, list[Cell]]]:
    place = 0
    for _, group in groupby(row, key):
        run = list(group)
        yield place, run
        place += len(run)


def _name(names: dict[str, str], rule: str) -> str:
    return names.setdefault(rule, f"s{len(names)}")
