"""A window in which a file or a folder is chosen, by walking there or by typing its path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Footer, Input, Label

from autosetup.faults import shown
from flasher.tui.places import completed, typed_path
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.file_list import FileList
from flasher.tui.words import _


class PathSuggester(Suggester):
    """Completes paths; Right or End takes the suggestion."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The path completed; a slow stick does not keep the screen."""
        return await asyncio.to_thread(completed, value)


class ChooseFileScreen(WizardDialog[Path | None]):
    """Gives the path that was chosen, or None.

    Args:
        title: what is chosen, and what for.
        accepts: whether a file or folder may be chosen.
        refusal: what to say of a path that may not.
        folder: where to begin; None for the places where people keep files.
    """

    HELP = _("""
# Choose a file

Walk to it: the **arrows** move, **Enter** opens a folder or chooses a file, **←** goes to the
folder above. Sticks that are plugged in stand at the top of the first list.

Or press **Tab** and type its path; **→** takes what is proposed in grey.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("f1", "help", _("Help"), key_display="F1"),
        Binding("escape", "dismiss(None)", _("Back"), key_display="Esc"),
    ]
    DEFAULT_CSS = """
    ChooseFileScreen .window { height: 90%; min-height: 12; padding: 0 1; }
    ChooseFileScreen Input { background: $panel; }
    ChooseFileScreen FileList, ChooseFileScreen FileList:focus {
        height: 1fr; border: none; padding: 0; background: transparent;
    }
    ChooseFileScreen #said { color: $text-error; height: auto; }
    """

    def __init__(
        self,
        title: str,
        *,
        accepts: Callable[[Path], bool],
        refusal: str,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self._title, self._accepts = title, accepts
        self._refusal, self._folder = refusal, folder

    def compose(self) -> ComposeResult:
        """The path over the list."""
        with Vertical(classes="window") as window:
            window.border_title = Content(self._title)
            yield Input(
                placeholder=_("type a path, or choose below"),
                suggester=PathSuggester(),
                compact=True,
                select_on_focus=False,
            )
            yield Label("", id="said", markup=False)
            yield FileList(self._accepts, self._folder)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(FileList).focus()

    @on(FileList.Opened)
    def _opened(self, event: FileList.Opened) -> None:
        words = ""
        if event.error:
            words = f"{event.error.message} {event.error.hint}"
        elif event.is_cut:
            words = _("This folder has more in it than can be shown: type the path.")
        self.query_one("#said", Label).update(words)
        typed = self.query_one(Input)
        if event.error is None and not typed.has_focus:
            typed.value = shown(f"{event.folder}/").replace("//", "/") if event.folder else ""
            typed.action_end()

    @on(FileList.Chosen)
    def _chosen(self, event: FileList.Chosen) -> None:
        self.dismiss(event.path)

    @on(Input.Submitted)
    async def _typed(self, event: Input.Submitted) -> None:
        path = typed_path(event.value.strip())
        if not event.value.strip():
            self.query_one(FileList).focus()
        elif await asyncio.to_thread(self._accepts, path):
            self.dismiss(path.absolute())
        elif await asyncio.to_thread(path.is_dir):
            self.query_one(FileList).go_to(path.absolute())
            self.query_one(FileList).focus()
        else:
            self.query_one("#said", Label).update(self._refusal)
