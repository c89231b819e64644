"""The line of keys, for screens with many of them, and for one that stays open all day."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

# Blanks that Textual sets around a key and its word: where there is room, and where there is not.
_WIDE, _CLOSE = 3, 2
# The same on every screen: where there is no room for all, these give up their words first.
_KNOWN = ("?", "F1", "Esc")


class KeyLine(Footer):
    """A `Footer` that makes itself shorter where its keys had no room: all of them stay in sight.

    Textual's own keeps the keys that it shows no more, bound to its look, for as long as its screen
    lives: these are let go when that look is set again.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._words: Mapping[FooterKey, str] = {}

    async def recompose(self) -> None:
        """Show the keys that count now."""
        await super().recompose()
        self.mutate_reactive(Footer.compact)
        self._words = {key: key.description for key in self.query(FooterKey)}
        self._fit()

    def on_resize(self) -> None:
        """There may be room again."""
        self._fit()

    def _fit(self) -> None:
        room, words = self.app.size.width, dict(self._words)
        self.compact = _length(words, _WIDE) > room
        for known in _KNOWN:
            if _length(words, _CLOSE) - 1 > room:
                words |= {key: "" for key in words if key.key_display == known}
        for key, word in words.items():
            if key.description != word:
                key.description = word
                key.refresh(layout=True)


def _length(words: Mapping[FooterKey, str], blanks: int) -> int:
    """Of the line, in columns."""
    return sum(cell_len(key.key_display) + cell_len(word) + blanks for key, word in words.items())
