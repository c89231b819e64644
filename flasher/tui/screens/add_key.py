"""Keys that are pasted, or read from a file."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Footer, Label, Static, TextArea

from flasher.tui.pasted_keys import PastedKey, read_keys
from flasher.tui.screens.base import WizardDialog
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.words import _


class AddKeyScreen(WizardDialog[tuple[str, ...] | None]):
    """Gives the keys that were pasted, each sound, or None."""

    HELP = _("""
# Add a key

Paste the line of a `.pub` file, or several of them, or type the path of such a file. Each key is
shown below with its fingerprint as soon as it is whole; `ssh-keygen -l` prints the same.

**Ctrl+S** adds them. The half that is called *private* is never wanted.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+s", "save", _("Add"), priority=True),
        Binding("f1", "help", _("Help"), key_display="F1"),
        Binding("escape", "leave", _("Cancel"), key_display="Esc", priority=True),
    ]
    DEFAULT_CSS = """
    AddKeyScreen TextArea { height: 6; border: none; padding: 0; background: $panel; }
    AddKeyScreen #seen { height: auto; max-height: 9; margin-top: 1; }
    """

    def compose(self) -> ComposeResult:
        """What is pasted over what it is."""
        with Vertical(classes="window") as window:
            window.border_title = _("Add a key")
            yield Label(_("Paste the line of a .pub file, or type the path of one:"))
            yield TextArea(tab_behavior="focus", compact=True)
            with VerticalScroll(id="seen", can_focus=False):
                yield Static(id="found")
            with Horizontal(classes="buttons"):
                yield Button(_("Add"), variant="primary", compact=True, action="screen.save")
                yield Button(_("Cancel"), compact=True, action="screen.leave")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin where one pastes."""
        self.query_one(TextArea).focus()

    @property
    def keys(self) -> tuple[PastedKey, ...]:
        """What was pasted, as far as it is known."""
        return read_keys(self.query_one(TextArea).text)

    @on(TextArea.Changed)
    def _look(self) -> None:
        # A path is read when it is whole, at the end.
        shown = [key for key in self.keys if key.line or not key.typed.startswith(("/", "~", "."))]
        self._show(shown)

    def _show(self, keys: list[PastedKey]) -> None:
        signs = ((f"{'✓' if key.line else '✗'} {key.words}") for key in keys)
        self.query_one("#found", Static).update(Text("\n".join(signs)))

    def action_save(self) -> None:
        """Add them, if all are sound."""
        keys = self.keys
        self._show(list(keys))
        if keys and all(key.line for key in keys):
            self.dismiss(tuple(key.line for key in keys))
        else:
            self.app.bell()
            self.query_one(TextArea).focus()

    def farewell(self) -> str | None:
        """Nothing pasted is thrown away unasked."""
        pasted = self.query_one(TextArea).text.strip()
        return _("Leave? What you pasted will be lost.") if pasted else None

    def action_leave(self) -> None:
        """Go back without adding any."""
        question = self.farewell()
        if question is None:
            self.dismiss(None)
        else:
            asking = QuestionScreen(question, yes=_("Leave"), no=_("Stay"))
            self.app.push_screen(asking, self._leave)

    def _leave(self, answer: bool | None) -> None:
        if answer:
            self.dismiss(None)
