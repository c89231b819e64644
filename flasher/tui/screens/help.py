"""Help in plain words, over the screen that it explains."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Markdown

from flasher.tui.words import _

_EVERYWHERE = _("""

**Everywhere:** Tab moves on, Escape goes back and never writes anything, Ctrl+T changes between
dark and light, Ctrl+P finds every command, Ctrl+Q quits. The mouse works too.
""")


class HelpScreen(ModalScreen[None]):
    """Shows Markdown; any of the usual keys closes it.

    Args:
        text: what one does on the screen below.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("escape,q,enter,f1,question_mark", "dismiss", _("Close"), key_display="Esc"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The text in a window."""
        with VerticalScroll(classes="window") as window:
            window.border_title = _("Help")
            yield Markdown(self._text.strip() + _EVERYWHERE)
        yield Footer(show_command_palette=False)
