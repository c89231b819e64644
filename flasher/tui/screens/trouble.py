"""A card that could not be made: what happened, why, what to do; and the ways out."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Footer, Static

from flasher.bench.model import Failed, Lane
from flasher.progress import readable_size
from flasher.tui.screens.base import WizardDialog
from flasher.tui.trouble import Explained, Way, explain
from flasher.tui.widgets.details import Details
from flasher.tui.widgets.facts import facts
from flasher.tui.words import _


class TroubleScreen(WizardDialog[Way | None]):
    """Gives the way that the person chose; None, as Escape does, changes nothing.

    Args:
        lane: that failed.
    """

    HELP = _("""
# A card that failed

The screen says **what happened**, **why**, and **what to do**. Nothing is broken by waiting: a card
that is not whole starts no Pi.

- **Try again**, or **Go on**, makes the card of this node once more. What is right on it is kept.
- **Other card** leaves the lane to the next card that you put in.
- **Skip this node** puts the node behind all others.
- **Escape** goes back to the bench and changes nothing.

**V** shows the details, **C** copies them, so that you can send them to somebody.
""")
    DEFAULT_CSS = """
    TroubleScreen .window { border: round $error; }
    TroubleScreen #what { color: $text-error; text-style: bold; }
    TroubleScreen #why { margin-top: 1; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "choose('')", _("Back"), key_display="Esc"),
        Binding("r", "go_on", _("Go on")),
        Binding("r", "retry", _("Try again")),
        Binding("o", "choose('other card')", _("Other card")),
        Binding("s", "choose('skip')", _("Skip this node")),
        Binding("v", "details", _("Details")),
        Binding("c", "copy", _("Copy them")),
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
    ]

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        assert isinstance(lane.phase, Failed)
        self._lane, self._failed = lane, lane.phase
        self.told: Explained = explain(lane.phase.error, lane)

    def compose(self) -> ComposeResult:
        """Three sentences, the details folded away, and the ways out."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = Content(f"✗  {self._title()}")
            yield Static(Content(self.told.what), id="what")
            yield Static(facts(self._sentences()), id="why")
            yield Details("\n".join(details(self._lane, self._failed)))
            with Horizontal(classes="buttons"):
                for way in self.told.ways:
                    yield Button(
                        self._label(way),
                        id=way.name.lower(),
                        action=f"screen.choose('{way.value}')",
                    )
                yield Button(_("Back"), id="back", action="screen.choose('')")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin on the most promising way: none of them loses anything."""
        self.query(Button).first().focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the ways that make sense have keys."""
        if action in ("go_on", "retry"):
            return Way.RETRY in self.told.ways and self.told.goes_on == (action == "go_on")
        if action != "choose" or parameters == ("",):
            return True
        return Way(parameters[0]) in self.told.ways

    def action_choose(self, way: str) -> None:
        """Close with this way; none for an empty word."""
        self.dismiss(Way(way) if way else None)

    def action_retry(self) -> None:
        """Close with trying again."""
        self.action_choose(Way.RETRY.value)

    def action_go_on(self) -> None:
        """The same, where what is right on the card is kept."""
        self.action_retry()

    def action_details(self) -> None:
        """Show the details, or fold them away."""
        if not self.query_one(Details).toggle():
            self.query(Button).first().focus()

    def action_copy(self) -> None:
        """Give the details to the terminal's clipboard."""
        self.app.copy_to_clipboard(self.query_one(Details).text)
        self.notify(_("The details are in the clipboard."))

    def _title(self) -> str:
        node, reader = self._lane.node, self._lane.reader
        return f"{node.name} · {node.position}" if node else reader

    def _sentences(self) -> Iterator[tuple[str, str]]:
        if self.told.why:
            yield _("Why"), self.told.why
        yield _("What to do"), self.told.todo

    def _label(self, way: Way) -> str:
        labels = {
            Way.RETRY: _("Go on") if self.told.goes_on else _("Try again"),
            Way.OTHER_CARD: _("Other card"),
            Way.SKIP: _("Skip this node"),
        }
        return labels[way]


def details(lane: Lane, failed: Failed) -> Iterator[str]:
    """What a developer asks for, in the engine's own words."""
    error, drive = failed.error, lane.drive
    yield f"{error.message}"
    yield f"→ {error.hint}"
    yield f"({error.code})"
    yield from (f"! {note}" for note in failed.notes)
    if lane.node:
        yield f"node: {lane.node.name}, {lane.node.position}"
    yield f"reader: {lane.reader}"
    if drive:
        words = (drive.vendor, drive.model, drive.serial)
        yield f"drive: {' '.join(filter(None, (str(drive.path), *words)))}"
        yield f"size: {readable_size(drive.size)} ({drive.size} bytes)"
        yield f"on it: {drive.holds}"
