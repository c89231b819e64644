"""How far the whole rig is: counts that are the legend of its drawing, and the time left."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from flasher.bench.model import BenchState, NodeState
from flasher.bench.node_state import made
from flasher.rig.rigmap import Node
from flasher.tui.lane_parts import span
from flasher.tui.node_signs import LOOKS, counted
from flasher.tui.words import _, ngettext

_ROWS = (
    (NodeState.TODO, NodeState.READY),
    (NodeState.WRITING, NodeState.REHEARSED),
    (NodeState.FAILED, NodeState.ALIVE),
)


class RigSummary(Static):
    """Says the counts; or, while the drawing has a cursor, what is under it."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._said: Content | None = None

    def show(self, state: BenchState, under: Node | None, seconds_left: float | None) -> None:
        """Say it of this moment.

        Args:
            state: the bench.
            under: the node under the cursor.
            seconds_left: until every node has its card; None where nothing can be said.
        """
        width = max(self.size.width, 20)
        lines = [_progress(state, width), _second_line(state, under, seconds_left)]
        lines += [_counts(state, pair, width) for pair in _ROWS]
        words = Content("\n").join(lines)
        if self._said is None or not words.is_same(self._said):
            self._said = words
            self.update(words)


def seconds_for_rest(left: int, made: Sequence[float], readers: int) -> float | None:
    """About how long the cards that are left take; None before the first one is made. Pure.

    Args:
        left: how many there are.
        made: seconds that each card took so far, the newest last.
        readers: how many cards are made at once.
    """
    if not made or not left or not readers:
        return None
    last = made[-20:]
    return left / readers * sum(last) / len(last)


def _progress(state: BenchState, width: int) -> Content:
    ready, count = made(state.states), len(state.nodes)
    words = _(" {made} of {count}").format(made=ready, count=count)
    wide = max(width - len(words), 1)
    done = round(wide * ready / count) if count else 0
    return Content.from_markup(
        "[$success]$done[/][$secondary]$rest[/][b]$words[/b]",
        done="█" * done,
        rest="░" * (wide - done),
        words=words,
    )


def _second_line(state: BenchState, under: Node | None, seconds_left: float | None) -> Content:
    if under:
        look = LOOKS[state.states[under.name]]
        return Content.from_markup(
            "$sign [b]$name[/b] $position, $word",
            sign=look.sign,
            name=under.name,
            position=under.position,
            word=look.word,
        )
    if seconds_left:
        return Content(_("about {time} left").format(time=span(seconds_left)))
    rest = len(state.nodes) - made(state.states)
    if not rest:
        return Content.from_markup("[b $success]✓ $words[/]", words=_("Every node has its card."))
    return Content(ngettext("{n} card to make", "{n} cards to make", rest).format(n=rest))


def _counts(state: BenchState, pair: tuple[NodeState, NodeState], width: int) -> Content:
    first, second = (counted(LOOKS[kind], state.count(kind)) for kind in pair)
    return first.pad_right(max(width // 2 - first.cell_length, 1)) + second
