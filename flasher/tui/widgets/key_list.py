"""The keys that open a site's nodes: those that lie on this computer, and those that are added."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button, Static

from flasher.rig.public_keys import FoundKey
from flasher.tui.pasted_keys import key_words
from flasher.tui.screens.add_key import AddKeyScreen
from flasher.tui.widgets.form_field import Field
from flasher.tui.widgets.tick import Tick
from flasher.tui.words import _


class _Key(Tick):
    """One key, taken or not."""

    def __init__(self, line: str, *, ticked: bool) -> None:
        super().__init__(key_words(line), ticked=ticked)
        self.line = line


class KeyList(Field):
    """Keys to tick.

    Args:
        name: the field's name in the form.
        label: what people read.
        keys: the site's own, which are ticked at first.
        found: those that lie on this computer.
    """

    DEFAULT_CSS = """
    KeyList > Horizontal { height: auto; }
    KeyList .keys { width: 1fr; height: auto; }
    KeyList Button { padding: 0; min-width: 0; }
    KeyList .unusable { color: $text-muted; height: auto; }
    """

    def __init__(
        self, name: str, label: str, keys: tuple[str, ...], found: Iterable[FoundKey]
    ) -> None:
        super().__init__(name, label)
        self._first, self._found = keys, tuple(found)

    def control(self) -> Widget:
        """The ticks, and how to add a key."""
        return Vertical(*self._entries(), classes="keys")

    def _entries(self) -> Iterable[Widget]:
        found = [key.line for key in self._found if not key.complaint]
        for line in dict.fromkeys((*self._first, *found)):
            yield _Key(line, ticked=line in self._first)
        for key in self._found:
            if key.complaint:
                words = f"✗ {key.path.name}: {key.complaint}"
                yield Static(words, classes="unusable", markup=False)
        yield Button(_("+ Add a key…"), id=self.field, compact=True)

    @property
    def value(self) -> tuple[str, ...]:
        """Those that are ticked."""
        return tuple(key.line for key in self.query(_Key) if key.ticked)

    @property
    def touched(self) -> bool:
        """Whether others are ticked than at first."""
        return self.value != self._first

    async def add(self, lines: Iterable[str]) -> None:
        """Tick these, and show those that are new."""
        here = {key.line: key for key in self.query(_Key)}
        for line in dict.fromkeys(lines):
            if line in here:
                here[line].ticked = True
            else:
                button = self.query_one(Button)
                await self.query_one(".keys").mount(_Key(line, ticked=True), before=button)

    @on(Button.Pressed)
    def _add(self, event: Button.Pressed) -> None:
        event.stop()
        self.app.push_screen(AddKeyScreen(), self._added)

    async def _added(self, lines: tuple[str, ...] | None) -> None:
        await self.add(lines or ())
