"""A window that says what is wrong with a card, and the ways out; the details are a key away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.details import Details
from flasher.tui.widgets.facts import facts
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.words import _

W = TypeVar("W", bound=Enum)


@dataclass(frozen=True, slots=True)
class Finding(Generic[W]):
    """What such a window says.

    Attributes:
        title: with its sign.
        headline: what is wrong, one sentence.
        facts: labels, and what is said to each.
        details: for whoever wants to know more; folded away at first.
        ways: out of it, each with the word on its button.
    """

    title: str
    headline: str
    facts: tuple[tuple[str, str], ...]
    details: str
    ways: Mapping[W, str]


class WaysDialog(WizardDialog[W | None]):
    """Gives the way that the person chose; None, as Escape does, changes nothing.

    Its heirs give the ways their keys: the action ``choose('value of the way')``.

    Args:
        finding: what it says.
        back: the word for changing nothing.

    Attributes:
        BEGIN: the button that has the focus at first.
    """

    BEGIN: ClassVar = "Button"
    DEFAULT_CSS = """
    WaysDialog #headline { text-style: bold; }
    WaysDialog #facts { margin-top: 1; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
    ]

    def __init__(self, finding: Finding[W], back: str) -> None:
        super().__init__()
        self._finding, self._back = finding, back

    @property
    def ways(self) -> tuple[W, ...]:
        """Those that make sense here."""
        return tuple(self._finding.ways)

    def compose(self) -> ComposeResult:
        """What is wrong, the facts, the details folded away, and the ways out."""
        finding = self._finding
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = Content(finding.title)
            yield Static(Content(finding.headline), id="headline")
            yield Static(facts(finding.facts), id="facts")
            yield Details(finding.details)
            with Horizontal(classes="buttons"):
                for way, word in finding.ways.items():
                    yield Button(word, id=way.name.lower(), action=_choose(way.value))
                yield Button(self._back, id="back", action=_choose(""))
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin where nothing is lost."""
        self.query(self.BEGIN).first().focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the ways that make sense have keys."""
        return action != "choose" or parameters == ("",) or self._way(parameters[0]) is not None

    def action_choose(self, word: str) -> None:
        """Close with the way of this value; none for an empty word."""
        self.dismiss(self._way(word))

    def action_details(self) -> None:
        """Show the details, or fold them away."""
        if self.query_one(Details).toggle():
            self.unfold()
        else:
            self.query(self.BEGIN).first().focus()

    def unfold(self) -> None:
        """The details are wanted: whoever has to look for them begins now."""

    def action_copy(self) -> None:
        """Give all that the window says to the terminal's clipboard."""
        said = [f"{label}: {value}" if label else value for label, value in self._finding.facts]
        details = self.query_one(Details).text
        self.app.copy_to_clipboard("\n".join([self._finding.headline, *said, details]))
        self.notify(_("The details are in the clipboard."))

    def _way(self, word: object) -> W | None:
        return next((way for way in self.ways if way.value == word), None)


def _choose(word: str) -> str:
    return f"screen.choose('{word}')"
