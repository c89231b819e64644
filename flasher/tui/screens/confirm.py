"""The last stop before a card is overwritten: what is lost, what is written, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Footer, Static

from flasher.bench.model import Lane
from flasher.drives.lost import LostFiles
from flasher.errors import FlasherError
from flasher.progress import readable_size
from flasher.rig.rigmap import RigMap
from flasher.tui.attempt import attempt
from flasher.tui.engine_words import translated
from flasher.tui.lane_parts import drive_title, whose
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.facts import explain, facts
from flasher.tui.words import _, ngettext


@dataclass(frozen=True, slots=True)
class Loss:
    """What speaks against making a card.

    Attributes:
        files: what is on it, volume by volume.
        warnings: sentences, of other cards of this node.
    """

    files: tuple[LostFiles, ...]
    warnings: tuple[str, ...]


@dataclass
class LossFound(Message):
    """What would be lost on a card is known, or why it cannot be."""

    outcome: Loss | FlasherError


class ConfirmScreen(WizardDialog[bool]):
    """Gives True if the person says so; else False, and nothing was written.

    Args:
        rig: whose node it is.
        lane: the card, and the node.
        look: finds out what is lost; takes a second or two.
    """

    HELP = _("""
# Before anything is written

Look at the drive, its size and what is on it now: **all of that will be lost**. Compare it with
the card in your hand.

**Cancel** has the focus, so Enter and Escape go back. To write, move to **Erase and write** with
Tab or the right arrow key, then press Enter.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "answer(False)", _("Cancel"), key_display="Esc"),
        Binding("tab", "app.focus_next", _("Other button"), key_display="Tab"),
        Binding("right,left", "app.focus_next", _("Other button"), show=False),
    ]

    def __init__(self, rig: RigMap, lane: Lane, look: Callable[[], Loss]) -> None:
        super().__init__()
        self._rig, self.lane, self._look = rig, lane, look

    def compose(self) -> ComposeResult:
        """What, where, what is lost, and two buttons."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            title = _("Write the card of {whose}?").format(whose=whose(self.lane))
            window.border_title = Content(title)
            yield Static(facts(self._facts()), id="facts")
            yield Static(_("Looking at what is on it …"), id="loss", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel", action="screen.answer(False)")
                yield Button(
                    _("Erase and write"),
                    id="write",
                    variant="error",
                    action="screen.answer(True)",
                    disabled=True,
                )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin on Cancel, and look at the card."""
        self.set_focus(self.query_one("#cancel"))
        self._find_loss()

    @work(thread=True, exit_on_error=False, group="loss")
    def _find_loss(self) -> None:
        self.post_message(LossFound(attempt(self._look)))

    @on(LossFound)
    def _show_loss(self, event: LossFound) -> None:
        found = event.outcome
        words = explain(found) if isinstance(found, FlasherError) else _warn(found)
        self.query_one("#loss", Static).update(words)
        self.query_one("#write", Button).disabled = False

    def action_answer(self, answer: bool) -> None:
        """Close with this answer."""
        self.dismiss(answer)

    def _facts(self) -> Iterator[tuple[str, str]]:
        rig, drive = self._rig, self.lane.drive
        yield _("Scanner"), f"{rig.profile.title} · {rig.site.name}"
        if drive:
            yield _("Drive"), f"{drive_title(drive)}, {readable_size(drive.size)}"
            yield "", str(drive.path)
            yield _("On it now"), translated(drive.holds)
            if drive.mounted:
                yield _("In use at"), ", ".join(drive.mounted)


def _warn(loss: Loss) -> Table:
    """A sentence a row; long ones wrap under themselves."""
    table = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    table.add_row("!", Text(_("Everything on this drive now will be lost.")))
    for volume in loss.files:
        table.add_row("", Text(_volume(volume)))
    for warning in loss.warnings:
        table.add_row("!", Text(translated(warning)))
    return table


def _volume(volume: LostFiles) -> str:
    name = f"{volume.label} ({volume.holds})" if volume.label else volume.holds
    if not volume.is_known:
        return _("{volume}: cannot be looked into").format(volume=name)
    words = ngettext("{volume}: {n} file, {size}", "{volume}: {n} files, {size}", volume.count)
    if not volume.is_all:
        words = _("{volume}: more than {n} files, {size}")
    told = words.format(volume=name, n=volume.count, size=readable_size(volume.size))
    return ": ".join(filter(None, (told, ", ".join(file.path for file in volume.largest))))
