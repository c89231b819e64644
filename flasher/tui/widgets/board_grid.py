"""The drawing of a rig that lives, with a cursor that stays."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding

from flasher.fleet.board.view import BoardView, NodeView
from flasher.tui.board_words import LOOKS, look_of
from flasher.tui.widgets.node_grid import Place
from flasher.tui.widgets.node_picker import NodePicker
from flasher.tui.words import _


class BoardGrid(NodePicker):
    """Draws the nodes of a board; arrows move the cursor, Enter tells all of one."""

    COMPONENT_CLASSES = {  # noqa: RUF012  (Textual's own name and kind)
        *(f"node-grid--{state}" for state in LOOKS),
        "node-grid--behind",
        "node-grid--warned",
        "node-grid--blinking",
    }
    BINDINGS = [Binding("enter", "choose", _("Details"))]  # noqa: RUF012

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__((), id=id)
        self._by_place: Mapping[Place, NodeView] = {}
        self._looks: dict[Place, tuple[str, str]] = {}

    def show(self, view: BoardView) -> None:
        """Draw a board; where all looks as before, nothing is drawn."""
        if [line.role for line in self.lines if line.row == -1] != list(view.grids):
            self.show_roles(view.grids)
            self.cursor = None
        self._by_place = {Place(node.role, node.column, node.row): node for node in view.nodes}
        looks = {place: _look(node) for place, node in self._by_place.items()}
        if looks != self._looks:
            self._looks = looks
            self.refresh()
        if self.cursor is None and self.has_focus:
            self.begin()

    def look_of(self, place: Place) -> tuple[str, str]:
        """The sign of a node, and the name of its style; a place may be empty."""
        return self._looks.get(place, (" ", "no-card"))

    def node_at(self, place: Place | None) -> NodeView | None:
        """The node in a place."""
        return self._by_place.get(place) if place else None

    def go_to(self, node: NodeView) -> None:
        """Move the cursor to a node."""
        self._go_to(Place(node.role, node.column, node.row))

    def begin(self) -> None:
        """Begin at the first node, once there is one."""
        if self.lines:
            super().begin()

    def end(self) -> None:
        """The cursor stays: what is told beside the drawing is of its node."""

    def action_move(self, columns: int, rows: int) -> None:
        """Move the cursor; where nothing is drawn yet, nowhere."""
        if self.lines:
            super().action_move(columns, rows)


def _look(node: NodeView) -> tuple[str, str]:
    look, kind = look_of(node)
    return look.sign, kind
