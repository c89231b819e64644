"""The line of keys, for screens with many of them, and for one that stays open all day."""

from __future__ import annotations

from rich.cells import cell_len
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_BLANKS = 3  # that Textual sets around a key and its word, where there is room


class KeyLine(Footer):
    """A `Footer` that stands closer where its keys had no room, and forgets those it shows no more.

    Textual's own keeps them all, bound to its look, for as long as its screen lives: they are let
    go when that look is set again.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)

    async def recompose(self) -> None:
        """Show the keys that count now."""
        await super().recompose()
        self.mutate_reactive(Footer.compact)
        self._fit()

    def on_resize(self) -> None:
        """There may be room again."""
        self._fit()

    def _fit(self) -> None:
        keys = self.query(FooterKey)
        wide = sum(cell_len(key.key_display) + cell_len(key.description) + _BLANKS for key in keys)
        self.compact = wide > self.app.size.width
