"""The drawing of the rig with a cursor, to choose a node whose card is made next."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.geometry import Offset, Region
from textual.message import Message

from flasher.tui.widgets.node_grid import CELL, MARGIN, NodeGrid, Place, Role
from flasher.tui.words import _


class NodePicker(NodeGrid, can_focus=True):
    """Arrows move the cursor, Enter or a click chooses."""

    BINDINGS = [  # noqa: RUF012
        Binding("up", "move(0, -1)", _("Move"), show=False),
        Binding("down", "move(0, 1)", _("Move"), show=False),
        Binding("left", "move(-1, 0)", _("Move"), show=False),
        Binding("right", "move(1, 0)", _("Move"), show=False),
        Binding("enter", "choose", _("Choose node")),
    ]

    @dataclass
    class Moved(Message):
        """The cursor is on another node; None when the drawing lost the focus."""

        place: Place | None

    @dataclass
    class Chosen(Message):
        """A node was chosen."""

        place: Place

    def on_focus(self) -> None:
        """Begin where the queue is."""
        self.begin()

    def begin(self) -> None:
        """Show the cursor."""
        self._go_to(self._here)

    @property
    def _here(self) -> Place:
        """Where the cursor is; without one, where it begins: keys may come before the focus."""
        ahead = min(self.next, key=lambda place: (self._line_of(place), place), default=None)
        return self.cursor or ahead or self._nearest(0, 1)

    def on_blur(self) -> None:
        """The cursor is shown only while keys move it."""
        self.end()

    def end(self) -> None:
        """Show the cursor no more."""
        self._go_to(None)

    def on_click(self, event: events.Click) -> None:
        """Choose the node under the pointer."""
        if place := self._under(event.get_content_offset(self)):
            self._go_to(place)
            self.post_message(self.Chosen(place))

    def action_move(self, columns: int, rows: int) -> None:
        """Move the cursor, from one role's grid into the next as well."""
        here = self._here
        line = self._line_of(here)
        if rows:
            line = next(
                (i for i in self._rows() if (i - line) * rows > 0)
                if rows > 0
                else (i for i in reversed(self._rows()) if i < line),
                line,
            )
        self._go_to(self._nearest(line, here.column + columns))

    def action_choose(self) -> None:
        """Choose the node under the cursor."""
        if self.cursor:
            self.post_message(self.Chosen(self.cursor))

    def _rows(self) -> list[int]:
        return [i for i, line in enumerate(self.lines) if line.row > 0]

    def _line_of(self, place: Place) -> int:
        return next(
            i
            for i, line in enumerate(self.lines)
            if (line.role.name, line.row) == (place.role, place.row)
        )

    def _nearest(self, line: int, column: int) -> Place:
        """The node in `column` of the first row of nodes from `line` on, held inside its grid."""
        role, row = next(found for found in self.lines[line:] if found.row > 0)
        return Place(role.name, _within(column, role), row)

    def _under(self, offset: Offset | None) -> Place | None:
        if offset is None:
            return None
        x, y = offset + self.scroll_offset
        column = (x - MARGIN) // CELL + 1
        if y >= len(self.lines) or self.lines[y].row < 1:
            return None
        role, row = self.lines[y]
        return Place(role.name, column, row) if 1 <= column <= role.columns else None

    def _go_to(self, place: Place | None) -> None:
        self.cursor = place
        self.refresh()
        self.post_message(self.Moved(place))
        if place:
            x, y = MARGIN + CELL * (place.column - 1), self._line_of(place)
            self.scroll_to_region(Region(x, y, CELL, 1), animate=False)


def _within(column: int, role: Role) -> int:
    return min(max(column, 1), role.columns)
