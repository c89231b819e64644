"""A line of a form that is ticked or not."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from flasher.tui.widgets.form_field import MOVES, Field
from flasher.tui.words import _


class Tick(Static, can_focus=True):
    """Some words behind ``[x]`` or ``[ ]``.

    Args:
        words: what is true while it is ticked; further lines are indented.
        ticked: whether it is, at first.
    """

    BINDINGS = [  # noqa: RUF012
        *MOVES,
        Binding("space", "turn", _("Tick")),
        Binding("enter,down", "app.focus_next", _("Next field"), show=False),
        Binding("up", "app.focus_previous", _("Field before"), show=False),
    ]
    DEFAULT_CSS = """
    Tick { height: auto; width: 1fr; }
    Tick:focus { background: $primary-muted; }
    """

    ticked: reactive[bool] = reactive(False, init=False)  # noqa: FBT003  (Textual's form)

    @dataclass
    class Changed(Message):
        """It was ticked, or no longer is."""

        tick: Tick

    def __init__(self, words: str, *, ticked: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._words = words.replace("\n", "\n    ")
        self.set_reactive(Tick.ticked, ticked)

    def render(self) -> Content:
        """The sign and the words."""
        return Content(f"{'[x]' if self.ticked else '[ ]'} {self._words}")

    def watch_ticked(self) -> None:
        """Tell it."""
        self.post_message(self.Changed(self))

    def action_turn(self) -> None:
        """Tick it, or take the tick away."""
        self.ticked = not self.ticked

    def on_click(self) -> None:
        """Tick it with the mouse."""
        self.action_turn()


class TickField(Field):
    """A field that is ticked or not.

    Args:
        name: the field's name in the form.
        words: what is true while it is ticked.
        ticked: whether it is, at first.
    """

    def __init__(self, name: str, words: str, *, ticked: bool = False) -> None:
        super().__init__(name, "")
        self._words, self._first = words, ticked

    def control(self) -> Widget:
        """The tick."""
        return Tick(self._words, ticked=self._first, id=self.field)

    @property
    def value(self) -> bool:
        """Whether it is ticked."""
        return self.query_one(Tick).ticked

    @property
    def touched(self) -> bool:
        """Whether it is otherwise than at first."""
        return self.value != self._first
