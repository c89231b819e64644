"""The top line: where one is in the wizard, and whether this is only practice."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Label

from flasher.tui.words import _

STEPS = ("Scanner", "Site", "Bench", "Done")
_TITLES = {"Scanner": _("Scanner"), "Site": _("Site"), "Bench": _("Bench"), "Done": _("Done")}


class TitleBar(Horizontal):
    """Product, steps with the current one marked, and the PRACTICE badge.

    Args:
        step: the current one of `STEPS`.
        practice: whether to show the badge, with the key of the practice desk.
    """

    def __init__(self, step: str, *, practice: bool) -> None:
        super().__init__()
        self._step, self._practice = step, practice

    def compose(self) -> ComposeResult:
        """One line."""
        yield Label("Flasher", id="product")
        yield Label(self._steps(), id="steps")
        if self._practice:
            words = Content.from_markup("[@click=app.practice_desk]$word[/] F8", word=_("PRACTICE"))
            badge = Label(words, id="practice")
            badge.tooltip = _("Put cards in, pull them")
            yield badge

    def _steps(self) -> Content:
        here = STEPS.index(self._step)
        words = [
            Content.from_markup(
                "[b]$n $word[/b]" if place == here else "[dim]$n $word[/dim]",
                n="✓" if place < here else str(place + 1),
                word=_TITLES[word],
            )
            for place, word in enumerate(STEPS)
        ]
        return Content("  ─  ").join(words)
