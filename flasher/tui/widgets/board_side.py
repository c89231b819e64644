"""Beside the drawing of a rig that lives: how many nodes are how far, and one node in words."""

from __future__ import annotations

from itertools import zip_longest

from rich.console import Group
from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from flasher.fleet.board.view import BoardView, NodeView, RolloutView
from flasher.tui.board_words import (
    counts_of,
    facts_of,
    headline,
    look_of,
    todo,
    warning_lines,
    why,
)
from flasher.tui.node_signs import Look, counted
from flasher.tui.widgets.facts import facts
from flasher.tui.words import _

_COLUMN = 21
ROLLOUTS = {
    "running": _("Update {generation}: it goes out"),
    "paused": _("Update {generation}: paused"),
    "stopped": _("Update {generation}: stopped by itself. {why}"),
    "done": _("Update {generation}: every node has it"),
}


class BoardCounts(Static):
    """The counts are the legend of the drawing."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="counts")
        self._said: Content | None = None

    def show(self, view: BoardView) -> None:
        """Say it of this board; nothing is drawn where that was said already."""
        pairs = list(counts_of(view))
        half = -(-len(pairs) // 2)
        rows = zip_longest(pairs[:half], pairs[half:])
        lines = [_two(first, second) for first, second in rows]
        words = Content("\n").join([*lines, Content(rollout_words(view.rollout))])
        if self._said is None or not words.is_same(self._said):
            self._said = words
            self.update(words)


class NodeFacts(Static):
    """One node: its state, why, what to do, and what is known of it."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="facts")
        self._shown: tuple[NodeView, str] | None = None

    def show(self, node: NodeView | None, at: str) -> None:
        """Tell of a node at a time of its board; None tells of nothing."""
        if node is None:
            self._shown = None
            self.update("")
        elif (node, at) != self._shown:
            self._shown = (node, at)
            self.update(told(node, at))


def told(node: NodeView, at: str) -> Group:
    """All of a node."""
    look, _kind = look_of(node)
    lines = [Text(f"{look.sign} {headline(node, at)}", "bold")]
    for words in (why(node), *_arrow(todo(node)), *warning_lines(node)):
        if words:
            lines.append(Text(words))
    return Group(*lines, Text(""), facts(facts_of(node, at)))


def rollout_words(rollout: RolloutView) -> str:
    """Where the distribution of an update stands; empty where none goes out."""
    words = ROLLOUTS.get(rollout.state, "")
    return words.format(generation=rollout.generation, why=rollout.why).strip()


def _arrow(words: str) -> list[str]:
    return [f"→ {words}"] if words else []


def _two(first: tuple[Look, int], second: tuple[Look, int] | None) -> Content:
    left = counted(*first)
    return left.pad_right(max(_COLUMN - left.cell_length, 1)) + counted(*second) if second else left
