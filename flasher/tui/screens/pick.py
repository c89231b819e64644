"""A window in which one of many is chosen by typing a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Footer

from flasher.rig.choices import Choice
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.search_list import SearchList
from flasher.tui.words import _


class PickScreen(WizardDialog[str | None]):
    """Gives the value that was chosen, or None.

    Args:
        title: what is chosen.
        pairs: value and name of each.
        value: the present one.
        typed: what stands in the filter at first.
        complaint: judges texts that are not among the pairs; without it, they are not taken.
        codes: show the values beside the names.
    """

    HELP = _("""
# Choose one

Type a part of the name: the list shows what fits. The **arrows** move in it, **Enter** chooses,
**Escape** leaves everything as it was.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("f1", "help", _("Help"), key_display="F1"),
        Binding("escape", "dismiss(None)", _("Back"), key_display="Esc"),
    ]
    DEFAULT_CSS = """
    PickScreen .window { height: 80%; min-height: 12; padding: 0 1; }
    """

    def __init__(
        self,
        title: str,
        pairs: Iterable[tuple[str, str]],
        value: str = "",
        *,
        typed: str = "",
        complaint: Callable[[str], str | None] | None = None,
        codes: bool = True,
    ) -> None:
        super().__init__()
        self._title = title
        found = [Choice(*pair) for pair in pairs]
        self._list = SearchList(found, value, typed, complaint, codes=codes)

    def compose(self) -> ComposeResult:
        """The list in a window."""
        with Vertical(classes="window") as window:
            window.border_title = Content(self._title)
            yield self._list
        yield Footer(show_command_palette=False)

    def type(self, letters: str) -> None:
        """Search for these too: they were typed while the window opened."""
        self._list.type(letters)

    def on_key(self, event: Key) -> None:
        """What nothing has the focus for yet is searched for."""
        if self.focused is None and event.character and event.is_printable:
            event.stop()
            self.type(event.character)

    @on(SearchList.Chosen)
    def _chosen(self, event: SearchList.Chosen) -> None:
        self.dismiss(event.value)
