"""A field of a form whose value is chosen from a long list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.events import Click, Key
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from flasher.rig.choices import Choice
from flasher.tui.screens.pick import PickScreen
from flasher.tui.widgets.form_field import MOVES, Field
from flasher.tui.widgets.search_list import entry
from flasher.tui.words import _


class _Value(Static, can_focus=True):
    """What is chosen; any letter begins the search."""

    BINDINGS = [  # noqa: RUF012
        *MOVES,
        Binding("enter,space", "pick", _("Choose from the list")),
        Binding("down", "app.focus_next", _("Next field"), show=False),
        Binding("up", "app.focus_previous", _("Field before"), show=False),
    ]
    DEFAULT_CSS = """
    _Value { width: 1fr; height: 1; background: $panel; }
    _Value { text-wrap: nowrap; text-overflow: ellipsis; }
    _Value:focus { background: $primary-muted; }
    """

    @dataclass
    class Asked(Message):
        """The list is wanted."""

        typed: str = ""

    def action_pick(self) -> None:
        """Open the list."""
        self.post_message(self.Asked())

    def on_click(self, event: Click) -> None:
        """Open the list with the mouse."""
        event.stop()
        self.post_message(self.Asked())

    def on_key(self, event: Key) -> None:
        """Begin the search with this letter."""
        if event.character and event.character.isalnum():
            event.stop()
            self.post_message(self.Asked(event.character))


class PickField(Field):
    """A labelled choice from a list that is searched by typing.

    Args:
        name: the field's name in the form.
        label: what people read.
        pairs: gives value and name of each choice, when first needed.
        value: the one that is chosen at first.
        complaint: judges values that are not in the list; without it, none is taken.
        codes: show the values beside the names.
    """

    chosen: reactive[str] = reactive("", init=False)

    @dataclass
    class Changed(Message):
        """Another one was chosen."""

        field: str

    def __init__(
        self,
        name: str,
        label: str,
        pairs: Callable[[], Sequence[tuple[str, str]]],
        value: str,
        complaint: Callable[[str], str | None] | None = None,
        *,
        codes: bool = True,
    ) -> None:
        super().__init__(name, label)
        self._codes = codes
        self._pairs, self._first, self._complaint = pairs, value, complaint
        self._choosing: PickScreen | None = None
        self.set_reactive(PickField.chosen, value)

    def control(self) -> Widget:
        """What is chosen, and a sign that there is more."""
        return _Value(self._words(), id=self.field)

    @property
    def value(self) -> str:
        """The value of what is chosen."""
        return self.chosen

    @property
    def touched(self) -> bool:
        """Whether another one was chosen."""
        return self.chosen != self._first

    def propose(self, value: str) -> None:
        """Choose what usually goes with the other answers; it counts as untouched."""
        self._first = value
        self.chosen = value

    def watch_chosen(self) -> None:
        """Show what is chosen now."""
        self.query_one(_Value).update(self._words())
        self.post_message(self.Changed(self.field))

    def _words(self) -> Content:
        name = dict(self._pairs()).get(self.chosen, self.chosen)
        shown = entry(Choice(self.chosen, name or _("none")), codes=self._codes)
        return Content("▾ ").append(shown)

    @on(_Value.Asked)
    def _pick(self, event: _Value.Asked) -> None:
        event.stop()
        if self._choosing:  # who types fast means the one that opens
            self._choosing.type(event.typed)
            return
        own, typed = self._complaint, event.typed
        self._choosing = PickScreen(
            self._label, self._pairs(), self.chosen, typed=typed, complaint=own, codes=self._codes
        )
        self.app.push_screen(self._choosing, self._picked)

    def _picked(self, value: str | None) -> None:
        self._choosing = None
        if value is not None:
            self.chosen = value
            self.screen.focus_next()
