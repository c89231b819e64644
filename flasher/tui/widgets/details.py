"""Words for those who want to know more: folded away until a key shows them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static


class Details(VerticalScroll):
    """Folded at first; the screen has the keys.

    Args:
        text: as it is copied; nothing in it is read as markup.
    """

    DEFAULT_CSS = """
    Details {
        display: none;
        height: auto;
        max-height: 8;
        margin-top: 1;
        padding: 0 1;
        background: $panel;
        scrollbar-size-vertical: 1;
    }
    Details.-open { display: block; }
    Details Static { height: auto; }
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(can_focus=True)
        self.text = text

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(self.text, markup=False)

    def show(self, text: str) -> None:
        """Put other words in."""
        self.text = text
        self.query_one(Static).update(text)

    def toggle(self) -> bool:
        """Unfold and go there, or fold; whether it is open now."""
        self.toggle_class("-open")
        if is_open := self.has_class("-open"):
            self.focus()
        return is_open
