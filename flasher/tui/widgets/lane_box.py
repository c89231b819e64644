"""One reader of the bench: its card, its node, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from flasher.bench.model import Lane
from flasher.tui.lane_parts import head, kind_of
from flasher.tui.lane_words import Around, full, short
from flasher.tui.words import _

Form = Literal["full", "medium", "compact"]
HEIGHTS: dict[Form, int] = {"full": 6, "medium": 2, "compact": 1}


class LaneBox(Widget, can_focus=True):
    """Draws one lane, and draws it anew only when something of it is different.

    Args:
        number: of the lane, from 1.
        lane: what is shown first.
        around: what else its words depend on.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "press", _("Card")),
        Binding("up", "step(-1)", _("Lane above"), show=False),
        Binding("down", "step(1)", _("Lane below"), show=False),
    ]

    @dataclass
    class Pressed(Message):
        """A person wants to do what the lane offers."""

        reader: str

    @dataclass
    class Stepped(Message):
        """A person wants to go to a neighbour: -1 or 1."""

        reader: str
        by: int

    @dataclass
    class Entered(Message):
        """The lane has the focus now."""

        reader: str

    def __init__(self, number: int, lane: Lane, around: Around) -> None:
        super().__init__()
        self.number, self.lane, self.around = number, lane, around
        self.form: Form = "full"
        self._shown: list[Content] = []

    def on_mount(self) -> None:
        """Look as the lane is."""
        self._dress()

    def on_resize(self) -> None:
        """Lines depend on the width."""
        self._redraw()

    def show(self, lane: Lane, around: Around) -> None:
        """Show the lane as it is now."""
        if (lane, around) == (self.lane, self.around):
            return
        self.lane, self.around = lane, around
        self._dress()

    def take_form(self, form: Form) -> None:
        """Be so high."""
        if form != self.form:
            self.form = form
            self._dress()

    def render(self) -> Content:
        """The lines that were made last."""
        return Content("\n").join(self._shown)

    def action_press(self) -> None:
        """Do what the lane offers."""
        self.post_message(self.Pressed(self.lane.reader))

    def action_step(self, by: int) -> None:
        """Go to a neighbour."""
        self.post_message(self.Stepped(self.lane.reader, by))

    def on_focus(self) -> None:
        """Tell that it is the one that keys are for."""
        self.post_message(self.Entered(self.lane.reader))

    def on_click(self, event: events.Click) -> None:
        """The first click chooses the lane, the second one is Enter."""
        if event.chain > 1:
            self.action_press()

    def _dress(self) -> None:
        wanted = {f"-{self.form}", f"-{kind_of(self.lane.phase)}"}
        if wanted != self.classes:
            self.set_classes(wanted)
        self.border_title = Content(f"{self.number} · {head(self.lane)}")
        self._redraw()

    def _redraw(self) -> None:
        lines = self._lines()
        if lines != self._shown:
            self._shown = lines
            self.refresh()

    def _lines(self) -> list[Content]:
        if self.form == "full":
            return full(self.lane, self.around, self.size.width)
        words = short(self.lane, self.around)
        if self.form == "compact":
            return [Content(f"{self.number:>2} ") + words]
        return [Content(f"{self.number:>2} {head(self.lane)}"), Content("   ") + words]
