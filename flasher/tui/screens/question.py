"""A question with a safe answer, which has the focus."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Footer, Label

from flasher.tui.words import _


class QuestionScreen(ModalScreen[bool]):
    """Gives True only if the answer that may lose something was chosen deliberately.

    Args:
        question: one or two sentences.
        yes: the answer that goes on.
        no: the safe answer; Escape means it too.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "answer(False)", _("Back"), key_display="Esc"),
        Binding("tab", "app.focus_next", _("Other button"), key_display="Tab"),
        Binding("right,left", "app.focus_next", _("Other button"), show=False),
    ]

    def __init__(self, question: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._question, self._yes, self._no = question, yes, no

    def compose(self) -> ComposeResult:
        """The question over its two answers."""
        with Vertical(classes="window"):
            yield Label(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self._no, id="no", action="screen.answer(False)")
                yield Button(self._yes, id="yes", variant="error", action="screen.answer(True)")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin on the safe answer."""
        self.set_focus(self.query_one("#no"))

    def action_answer(self, answer: bool) -> None:
        """Close with this answer."""
        self.dismiss(answer)
