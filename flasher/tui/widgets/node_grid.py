"""The rig drawn in text: the grid of every role, a sign for each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flasher.bench.node_state import NodeState
from flasher.tui.node_signs import LOOKS, NEXT_SIGN

if TYPE_CHECKING:
    from flasher.rig.rigmap import Node

MARGIN = 4
CELL = 2
_LABEL_EVERY = 5


class Place(NamedTuple):
    """A node's place: its role, and its column and row there, from 1."""

    role: str
    column: int
    row: int


class Role(Protocol):
    """What of a role is drawn, be it of a profile or of a board."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> int: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def count(self) -> int: ...  # noqa: D102


class Line(NamedTuple):
    """A line of the drawing: a heading (row -1), a ruler (row 0) or a row of nodes."""

    role: Role
    row: int


def place_of(node: Node) -> Place:
    """Where a node stands."""
    return Place(node.role, node.column, node.row)


def lines_of(roles: Sequence[Role]) -> tuple[Line, ...]:
    """The drawing's lines; a role of one node needs no ruler."""
    return tuple(
        Line(role, row)
        for role in roles
        for row in (-1, *([0] if role.columns > 1 else []), *range(1, role.rows + 1))
    )


class NodeGrid(ScrollView, can_focus=False):
    """Draws the roles one below the other, line by line, so that thousands of nodes cost nothing.

    Args:
        roles: what is drawn.
    """

    COMPONENT_CLASSES = {  # noqa: RUF012  (Textual's own name and kind)
        "node-grid--heading",
        "node-grid--ruler",
        "node-grid--todo",
        "node-grid--writing",
        "node-grid--ready",
        "node-grid--rehearsed",
        "node-grid--alive",
        "node-grid--failed",
        "node-grid--next",
        "node-grid--cursor",
    }

    def __init__(self, roles: Sequence[Role], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._states: Mapping[Place, NodeState] = {}
        self.next: frozenset[Place] = frozenset()
        self.cursor: Place | None = None
        self.show_roles(roles)

    def show_roles(self, roles: Sequence[Role]) -> None:
        """Draw other roles."""
        self.lines = lines_of(roles)
        widest = max((MARGIN + CELL * role.columns for role in roles), default=0)
        titles = max((len(_heading(role)) for role in roles), default=0)
        self.virtual_size = Size(max(widest, titles), len(self.lines))
        self.refresh(layout=True)

    @property
    def widest(self) -> int:
        """Letters of its longest line."""
        return self.virtual_size.width

    def show_states(self, states: Mapping[Place, NodeState], following: Iterable[Place]) -> None:
        """Draw other states; `following` are the nodes whose cards come next."""
        ahead = frozenset(following)
        if (states, ahead) != (self._states, self.next):
            self._states, self.next = states, ahead
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As high as the drawing."""
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        """One line of what is in view."""
        left, top = self.scroll_offset
        if top + y >= len(self.lines):
            return Strip.blank(self.size.width, self.rich_style)
        segments = self._draw(self.lines[top + y])
        strip = Strip(segments).apply_style(self.rich_style)
        return strip.crop_extend(left, left + self.size.width, self.rich_style)

    def _draw(self, line: Line) -> list[Segment]:
        if line.row == -1:
            style = self.get_component_rich_style("node-grid--heading", partial=True)
            return [Segment(_heading(line.role), style)]
        if line.row == 0:
            style = self.get_component_rich_style("node-grid--ruler", partial=True)
            return [Segment(_ruler(line.role.columns), style)]
        return self._draw_row(line)

    def _draw_row(self, line: Line) -> list[Segment]:
        ruler = self.get_component_rich_style("node-grid--ruler", partial=True)
        number = f"{line.row:>{MARGIN - 1}} " if line.role.rows > 1 else " " * MARGIN
        segments = [Segment(number, ruler)]
        for column in range(1, line.role.columns + 1):
            segments += self._draw_node(Place(line.role.name, column, line.row))
        return segments

    def look_of(self, place: Place) -> tuple[str, str]:
        """The sign of a node, and the name of its style."""
        state = self._states.get(place, NodeState.TODO)
        if place in self.next and state is not NodeState.WRITING:
            return NEXT_SIGN, "next"
        return LOOKS[state].sign, state.value

    def _draw_node(self, place: Place) -> list[Segment]:
        sign, kind = self.look_of(place)
        style = self.get_component_rich_style(f"node-grid--{kind}", partial=True)
        if place == self.cursor:
            style += self.get_component_rich_style("node-grid--cursor", partial=True)
        return [Segment(sign, style), Segment(" ")]


def _heading(role: Role) -> str:
    return f"{role.title} × {role.count}" if role.count > 1 else role.title


def _ruler(columns: int) -> str:
    labels = [
        f"{column:<{CELL}}" if column == 1 or column % _LABEL_EVERY == 0 else " " * CELL
        for column in range(1, columns + 1)
    ]
    return " " * MARGIN + "".join(label[:CELL] for label in labels)
