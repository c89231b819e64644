"""What is in a folder, to walk through and to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from autosetup.faults import shown
from flasher.errors import FlasherError
from flasher.tui.attempt import attempt
from flasher.tui.places import FoundFolder, home, look_into, mounted_sticks
from flasher.tui.words import _


class FileList(OptionList):
    """Folders and what may be chosen in them; first of all, the places where people keep files.

    Args:
        accepts: whether a file or folder may be chosen; other files are not shown.
        folder: where to begin; None for the places.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "select", _("Open or choose")),
        Binding("backspace,left", "up", _("Folder above"), key_display="←"),
        Binding("right", "select", _("Open"), show=False),
    ]

    @dataclass
    class Chosen(Message):
        """A file or folder was chosen."""

        path: Path

    @dataclass
    class Opened(Message):
        """Another folder is shown, or cannot be; None for the places."""

        folder: Path | None
        error: FlasherError | None = None
        is_cut: bool = False

    @dataclass
    class _Looked(Message):
        folder: Path
        outcome: tuple[FoundFolder, frozenset[Path]] | FlasherError

    def __init__(self, accepts: Callable[[Path], bool], folder: Path | None = None) -> None:
        super().__init__(id="files")
        self._accepts, self._first = accepts, folder
        self.folder: Path | None = None
        self._targets: list[Path | None] = []
        self._accepted: frozenset[Path] = frozenset()

    def on_mount(self) -> None:
        """Show where to begin."""
        self.go_to(self._first)

    def go_to(self, folder: Path | None) -> None:
        """Show another folder; None for the places."""
        if folder is not None:
            self._look(folder)
            return
        places = [(_("Stick"), stick) for stick in mounted_sticks()]
        places += [(_("Your files"), home()), (_("This computer"), Path("/"))]
        self.folder, self._accepted = None, frozenset()
        self._show([(_place(title, path), path) for title, path in places], 0)
        self.post_message(self.Opened(None))

    @work(thread=True, exclusive=True, exit_on_error=False, group="folder")
    def _look(self, folder: Path) -> None:
        """In a thread: a stick may take its time, or be gone."""

        def look() -> tuple[FoundFolder, frozenset[Path]]:
            found = look_into(folder)
            return found, frozenset(filter(self._accepts, (*found.folders, *found.files)))

        self.post_message(self._Looked(folder, attempt(look)))

    @on(_Looked)
    def _arrived(self, event: _Looked) -> None:
        event.stop()
        if isinstance(event.outcome, FlasherError):
            self.post_message(self.Opened(event.folder, event.outcome))
            return
        found, self._accepted = event.outcome
        before, self.folder = self.folder, found.folder
        rows: list[tuple[Content, Path | None]] = [(Content("↑ .."), self._above())]
        rows += [(_folder(path, is_taken=self._takes(path)), path) for path in found.folders]
        rows += [
            (Content(f"  {shown(path.name)}"), path) for path in found.files if self._takes(path)
        ]
        paths = [path for _words, path in rows]
        self._show(rows, paths.index(before, 1) if before in paths[1:] else min(1, len(rows) - 1))
        self.post_message(self.Opened(found.folder, is_cut=found.is_cut))

    def _takes(self, path: Path | None) -> bool:
        return path in self._accepted

    def _show(self, rows: Sequence[tuple[Content, Path | None]], highlighted: int) -> None:
        self._targets = [path for _words, path in rows]
        self.set_options(Option(words) for words, _path in rows)
        self.highlighted = highlighted

    def _above(self) -> Path | None:
        """The folder above; the places above each of them."""
        folder = self.folder
        if folder is None or folder in (home(), Path("/"), *mounted_sticks()):
            return None
        return folder.parent

    def action_up(self) -> None:
        """Show the folder above."""
        if self.folder is not None:
            self.go_to(self._above())

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        path = self._targets[event.option_index]
        if path is not None and self._takes(path):
            self.post_message(self.Chosen(path))
        else:
            self.go_to(path)


def _place(title: str, path: Path) -> Content:
    return Content.from_markup(
        "[b]$title[/b]  [dim]$path[/dim]", title=title, path=shown(str(path))
    )


def _folder(path: Path, *, is_taken: bool) -> Content:
    sign = "★" if is_taken else "▸"
    return Content.from_markup("$sign [b]$name[/b]/", sign=sign, name=shown(path.name))
