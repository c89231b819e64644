"""Where a file is to go, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Footer, Input, Label, Select, Static

from flasher.tui.places import typed_path
from flasher.tui.screens.base import WizardDialog
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.words import _


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was chosen.

    Attributes:
        path: where to; its folder is there.
        choice: one of the choices; empty where there were none.
    """

    path: Path
    choice: str = ""


class SaveFileScreen(WizardDialog[Wanted | None]):
    """Gives where to write; None for nowhere. A file that is there is asked about.

    Args:
        title: what is written.
        words: what else there is to know of it, one or two sentences.
        path: proposed.
        endings: what its name may end in; any where there are none.
        choices: values and their words, the first one chosen at first; none for no choice.
    """

    HELP = _("""
# Save a file

Say where the file is to go, and press **Enter**. To take it along, put a stick in and name its
folder. **Escape** writes nothing.

In this window, help is on **F1**, since a question mark may be part of a name.
""")
    DEFAULT_CSS = """
    SaveFileScreen #words { margin-bottom: 1; }
    SaveFileScreen Select { margin-top: 1; }
    SaveFileScreen #answer { color: $text-error; height: auto; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("f1", "help", _("Help"), key_display="F1"),
        Binding("escape", "dismiss(None)", _("Cancel"), key_display="Esc"),
    ]

    def __init__(
        self,
        title: str,
        words: str,
        path: Path,
        *,
        endings: Sequence[str] = (),
        choices: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__()
        self._title, self._words, self._path = title, words, path
        self._endings, self._choices = tuple(endings), tuple(choices)

    def compose(self) -> ComposeResult:
        """The path over two buttons."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = Content(self._title)
            yield Static(Content(self._words), id="words")
            yield Label(_("File"))
            yield Input(str(self._path), compact=True, select_on_focus=False)
            if self._choices:
                shown = [(words, value) for value, words in self._choices]
                yield Select(shown, value=self._choices[0][0], allow_blank=False, compact=True)
            yield Label("", id="answer", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel", action="screen.dismiss(None)")
                yield Button(_("Save"), id="save", variant="primary", action="screen.save")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin at the end of the path."""
        self.query_one(Input).focus()
        self.query_one(Input).action_end()

    @on(Input.Submitted)
    def _submit(self) -> None:
        self.action_save()

    @work(exclusive=True, exit_on_error=False, group="question")
    async def action_save(self) -> None:
        """Close with what stands there, if it can be written there."""
        typed = self.query_one(Input).value.strip()
        path = typed_path(typed)
        wrong = self._complaint(typed, path)
        self.query_one("#answer", Label).update(wrong)
        if wrong or (path.exists() and not await self._may_replace(path)):
            return
        choice = str(self.query_one(Select).value) if self._choices else ""
        self.dismiss(Wanted(path, choice))

    def _complaint(self, typed: str, path: Path) -> str:
        if not typed or path.is_dir():
            return _("Give the file a name.")
        if not path.parent.is_dir():
            return _("There is no folder {folder}.").format(folder=path.parent)
        if self._endings and path.suffix.lower() not in self._endings:
            return _("Its name must end in {endings}.").format(endings=", ".join(self._endings))
        return ""

    async def _may_replace(self, path: Path) -> bool:
        question = _("{file} is there already. Replace it?").format(file=path)
        asked = QuestionScreen(question, yes=_("Replace it"), no=_("Cancel"))
        return await self.app.push_screen_wait(asked)
