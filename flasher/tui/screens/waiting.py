"""A word on the screen while something comes to its end, and no key does anything."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, LoadingIndicator


class WaitingScreen(ModalScreen[None]):
    """Stays until it is taken away.

    Args:
        words: what is waited for.
    """

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """The words over something that moves."""
        with Vertical(classes="window"):
            yield Label(self._words, markup=False)
            yield LoadingIndicator()
