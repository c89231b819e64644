"""A script as it is, with the numbers of its lines, and what is wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Footer, Static, TextArea

from autosetup.faults import shown
from flasher.rig.script_check import Examination, examine
from flasher.tui.screens.base import WizardDialog
from flasher.tui.script_words import plain_text, troubles
from flasher.tui.words import _


class ScriptPreview(WizardDialog[bool]):
    """Gives True only where the script is to be taken.

    Args:
        name: of the file.
        content: its bytes.
        replaces: the name of the script that it would take the place of; empty for none.
        is_new: whether it is asked about; without it, the script is only shown.
    """

    HELP = _("""
# Is this the right script?

It is shown as it is, with the numbers of its lines. What keeps it from running on a Pi is said
above it (✗), and what only looks strange (!).

**Mend and add** mends line ends and encoding, as editors on Windows make them, in the copy that is
kept here. Your file stays as it is, and nothing else is changed.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "answer(False)", _("Back"), key_display="Esc"),
        Binding("tab", "app.focus_next", _("Other button"), key_display="Tab"),
    ]
    DEFAULT_CSS = """
    ScriptPreview .window { width: 100; height: 95%; padding: 0 1; }
    ScriptPreview TextArea { height: 1fr; min-height: 4; border: none; padding: 0; }
    ScriptPreview #troubles { height: auto; max-height: 8; }
    ScriptPreview .buttons { margin-top: 0; }
    """

    def __init__(
        self, name: str, content: bytes, *, replaces: str = "", is_new: bool = False
    ) -> None:
        super().__init__()
        self._file, self._content = name, content
        self._replaces, self._is_new = replaces, is_new

    def compose(self) -> ComposeResult:
        """What is wrong, the text, and the answers."""
        found = examine(self._file, self._content)
        with Vertical(classes="window") as window:
            window.border_title = Content(shown(self._file))
            yield Static(troubles(found, self._remedy()), id="troubles")
            yield TextArea(
                plain_text(self._content), read_only=True, show_line_numbers=True, soft_wrap=False
            )
            with Horizontal(classes="buttons"):
                if self._is_new and not found.faults:
                    yield Button(_("Cancel"), id="no", compact=True, action="screen.answer(False)")
                    yield Button(
                        self._yes(found),
                        id="yes",
                        compact=True,
                        variant="error" if self._replaces else "primary",
                        action="screen.answer(True)",
                    )
                else:
                    yield Button(_("Close"), id="no", compact=True, action="screen.answer(False)")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin on the answer that needs no second thought."""
        safe = self._replaces or not examine(self._file, self._content).runs or not self._is_new
        self.query_one("#no" if safe else "#yes").focus()

    def action_answer(self, answer: bool) -> None:
        """Close with this answer."""
        self.dismiss(answer)

    def _remedy(self) -> str:
        if self._is_new:
            return _("All of that is mended in the copy that is kept here, if you say so.")
        return _("All of that can be mended for you, in the list.")

    def _yes(self, found: Examination) -> str:
        if self._replaces:
            words = _("Mend, replace {name}") if found.mendable else _("Replace {name}")
            return words.format(name=self._replaces)
        return _("Mend and add") if found.mendable else _("Add")
