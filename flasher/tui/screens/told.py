"""Something that did not work, in full: what happened, and what to do."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from flasher.errors import FlasherError
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.facts import explain
from flasher.tui.words import _


class ToldScreen(WizardDialog[None]):
    """Shows an error; any of the usual keys closes it.

    Args:
        title: what did not work.
        error: why, and what to do; the faults of a document one by one.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("escape,enter,q", "dismiss(None)", _("Close"), key_display="Esc"),
    ]

    def __init__(self, title: str, error: FlasherError) -> None:
        super().__init__()
        self._title, self._error = title, error

    def compose(self) -> ComposeResult:
        """The words in a window."""
        with VerticalScroll(classes="window") as window:
            window.border_title = Content(f"✗ {self._title}")
            yield Static(explain(self._error))
        yield Footer(show_command_palette=False)
