"""Commands in plain words, for Ctrl+P: those of every screen, and the bench's."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider

from flasher.tui.words import _

if TYPE_CHECKING:
    from flasher.tui.plain_app import PlainApp

_COMMANDS = (
    ("press", _("This lane: start its card, or say what it needs"), "Enter"),
    ("go_on", _("This lane: go on with the card where it stopped"), "R"),
    ("retry", _("This lane: make the card that failed again"), "R"),
    ("stop", _("This lane: stop writing"), "S"),
    ("delay", _("This lane: do not start by itself"), "Esc"),
    ("skip", _("This lane: make another node's card first"), _("Space")),
    ("find", _("Find a node, and make its card next"), "F"),
    ("auto", _("Auto: start empty cards by themselves, or not"), "A"),
    ("pause", _("Pause: start nothing new, or go on"), "P"),
    ("look", _("Look at the readers again"), "L"),
    ("sound", _("Sound on or off"), "M"),
    ("done", _("What was made, what is missing, labels"), "D"),
    ("help", _("What one does here"), "?"),
    ("back", _("Back to the sites"), "Esc"),
)


def everywhere(app: PlainApp) -> Iterator[SystemCommand]:
    """Those that can be used on every screen."""
    key = _("Key: {key}")
    yield SystemCommand(_("Dark or light"), key.format(key=_("Ctrl+T")), app.action_change_theme)
    picture = _("Save a picture of this screen, to show it to somebody")
    # Once the palette is gone.
    yield SystemCommand(_("Picture"), picture, lambda: app.set_timer(0.1, app.deliver_screenshot))
    yield SystemCommand(_("Quit"), key.format(key=_("Ctrl+Q")), app.action_quit)


class BenchCommands(Provider):
    """Those of them that can be used now."""

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for action, words, key in self._usable():
            yield DiscoveryHit(words, self._run(action), help=_("Key: {key}").format(key=key))

    async def search(self, query: str) -> Hits:
        """Those that match what is typed."""
        matcher = self.matcher(query)
        for action, words, key in self._usable():
            if score := matcher.match(words):
                tip = _("Key: {key}").format(key=key)
                yield Hit(score, matcher.highlight(words), self._run(action), help=tip)

    def _usable(self) -> Iterator[tuple[str, str, str]]:
        return (row for row in _COMMANDS if self.screen.check_action(row[0], ()))

    def _run(self, action: str) -> partial[Coroutine[Any, Any, None]]:
        return partial(self.screen.run_action, action)
