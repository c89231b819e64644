"""The line of keys, for a screen that stays open all day."""

from __future__ import annotations

from textual.widgets import Footer


class KeyLine(Footer):
    """A `Footer` that forgets keys that it shows no more.

    Textual's own keeps them all, bound to its look, for as long as its screen lives: they are let
    go when that look is set again.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)

    async def recompose(self) -> None:
        """Show the keys that count now."""
        await super().recompose()
        self.mutate_reactive(Footer.compact)
