"""A site on the road: backed up into one sealed file, and taken over from one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Footer, Label

from flasher import paths
from flasher.errors import FlasherError
from flasher.exports import write_named
from flasher.rig.site_travel import SUFFIX, export_site, import_site, mark_exported
from flasher.tui.attempt import attempt
from flasher.tui.keeping_form import passphrase_complaints
from flasher.tui.places import typed_path
from flasher.tui.screens.form import FormDialog
from flasher.tui.site_shelf import Opened, open_again
from flasher.tui.strength_words import strength_words
from flasher.tui.widgets.form_field import FormField
from flasher.tui.words import _


class BackupScreen(FormDialog[Path]):
    """Gives the file that was written, or None; a file that is there is never replaced.

    Args:
        opened: the site.
    """

    HELP = _("""
# Back up a site

All of the site goes into one file: what it says, its passwords, and the **key** that signs its
cards. Nodes that are set up trust no other key: without a copy, a lost laptop means that every card
is made anew.

The file is locked with a passphrase of its own. Put the file on a stick, and keep both apart from
this computer. On another computer, press **I** in the list of sites.
""")

    @dataclass
    class Written(Message):
        """The file is written, or cannot be."""

        outcome: Path | FlasherError

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._opened = opened

    def compose(self) -> ComposeResult:
        """Where to, and the passphrase twice."""
        name = self._opened.site.name
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = _("Back up the site {name}").format(name=name)
            yield Label(
                _("Everything goes into one locked file, the key of its cards too."), markup=False
            )
            yield FormField("file", _("File"), str(paths.home() / f"{name}{SUFFIX}"))
            yield FormField("seal", _("Passphrase"), secret=True, remark=self._strength)
            yield FormField("seal_again", _("Passphrase again"), secret=True, saves=True)
            yield from self.buttons(_("Back up"))
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the passphrase: the place is mostly right."""
        self.query_one("#seal").focus()

    def _strength(self, passphrase: str) -> str | None:
        return strength_words(passphrase, (self._opened.site.name,)) if passphrase else None

    def _typed(self, name: str) -> str:
        return self.query_one(f"#field-{name}", FormField).value

    @property
    def _file(self) -> Path:
        file = typed_path(self._typed("file"))
        return file / f"{self._opened.site.name}{SUFFIX}" if file.is_dir() else file

    def wrong(self) -> dict[str, str]:
        """What is wrong with the place and the passphrase."""
        found = passphrase_complaints(self._typed("seal"), self._typed("seal_again"))
        if self._file.exists():
            there = _("A file of this name is there, and stays. Type another name.")
            return {"file": there} | found
        return found

    def finish(self) -> None:
        """Seal and write it, in a thread."""
        self.notify(_("One moment: it is being locked."), timeout=2)
        self._write(self._file, self._typed("seal"))

    @work(thread=True, exit_on_error=False, group="backup", exclusive=True)
    def _write(self, file: Path, passphrase: str) -> None:
        name = str(self._opened.site.path)

        def write() -> Path:
            write_named(file, export_site(name, passphrase, self._opened.unlock))
            mark_exported(name)
            return file

        self.post_message(self.Written(attempt(write)))

    @on(Written)
    def _written(self, event: Written) -> None:
        if isinstance(event.outcome, FlasherError):
            self.refuse("file", event.outcome)
        else:
            self.dismiss(event.outcome)


class ImportScreen(FormDialog[Opened]):
    """Gives the site that was taken over, or None; a site that is there is never replaced.

    Args:
        file: what stands in the field at first.
    """

    HELP = _("""
# Import a site

Name the file that was made by **Back up** on another computer, such as
`/media/you/STICK/studio.flasher-site`, and type its passphrase. The site lies here then as it did
there, with the key that signs its cards.

A site of the same name that is here already stays as it is: give the new one another name.
""")

    @dataclass
    class Imported(Message):
        """It is here, or cannot be."""

        outcome: Opened | FlasherError

    def __init__(self, file: str = "") -> None:
        super().__init__()
        self._first = file

    def compose(self) -> ComposeResult:
        """The file and its passphrase."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = _("Import a site")
            yield FormField("file", _("File"), self._first, f"/media/…/studio{SUFFIX}")
            yield FormField("as_name", _("New name"), hint=_("leave empty: the name that it has"))
            yield FormField("seal", _("Passphrase"), secret=True, saves=True)
            yield from self.buttons(_("Import"))
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with what is missing."""
        self.query_one("#seal" if self._first else "#file").focus()

    def _typed(self, name: str) -> str:
        return self.query_one(f"#field-{name}", FormField).value

    def wrong(self) -> dict[str, str]:
        """What is missing."""
        found = {}
        if not typed_path(self._typed("file")).is_file():
            found["file"] = _("There is no such file.")
        if not self._typed("seal"):
            found["seal"] = _("Type the passphrase that the file was locked with.")
        return found

    def finish(self) -> None:
        """Open it, in a thread."""
        file = typed_path(self._typed("file"))
        self._import(file, self._typed("seal"), self._typed("as_name").strip() or None)

    @work(thread=True, exit_on_error=False, group="import", exclusive=True)
    def _import(self, file: Path, passphrase: str, name: str | None) -> None:
        def take() -> Opened:
            imported = import_site(file, passphrase, name=name, unlock=lambda _site: passphrase)
            return open_again(imported.site.path, passphrase)

        self.post_message(self.Imported(attempt(take)))

    @on(Imported)
    def _imported(self, event: Imported) -> None:
        outcome = event.outcome
        if isinstance(outcome, FlasherError):
            place = {"wrong-passphrase": "seal", "site-exists": "as_name", "bad-value": "as_name"}
            self.refuse(place.get(outcome.code, "file"), outcome)
        else:
            self.dismiss(outcome)
