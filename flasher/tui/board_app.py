"""The board in a terminal of its own: `flasher board`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual.screen import Screen

from flasher.fleet.board.feed import BoardFeed
from flasher.tui.plain_app import PlainApp
from flasher.tui.screens.board import BoardScreen


def run(feed: BoardFeed) -> int:
    """Show a board until the person quits; the exit status.

    Raises:
        FlasherError: the program stumbled.
    """
    return BoardApp(feed).stay()


class BoardApp(PlainApp):
    """One screen, and the windows over it.

    Args:
        feed: of the server.
        ticks: seconds from any beginning.
    """

    CSS_PATH: ClassVar = ["app.tcss", "bench.tcss", "board.tcss"]

    def __init__(self, feed: BoardFeed, ticks: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._feed, self._ticks = feed, ticks

    def get_default_screen(self) -> Screen[None]:
        """The board."""
        return BoardScreen(self._feed, self._ticks)
