"""What each application of ours has: its colours, its ways to end, a guarded way to the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter
from textual.screen import Screen

from flasher.errors import ExitCode, FlasherError, explained
from flasher.tui.plain import PlainText
from flasher.tui.screens.base import WizardScreen
from flasher.tui.signals import BY_SIGNAL, end_without_terminal, heed_signals
from flasher.tui.themes import DARK, LIGHT
from flasher.tui.words import _


class PlainApp(App[None]):
    """Dark or light, obeyed signals, and a question before something is lost.

    Attributes:
        trouble: why it ended by itself; None where it did not.
    """

    TITLE = "Flasher"
    BINDINGS: ClassVar = [
        Binding("ctrl+t", "change_theme", _("Dark or light"), show=False, priority=True),
        Binding("ctrl+q", "quit", _("Quit"), priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.trouble: FlasherError | None = None
        self._plain = PlainText()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.set_reactive(App.theme, DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())  # made with Textual's own theme

    def stay(self) -> int:
        """Run until the person quits; the exit status.

        Raises:
            FlasherError: it ended by itself.
        """
        self.run()
        if self.trouble:
            raise self.trouble
        return self.return_code or ExitCode.DONE

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes before it is shown."""
        return (*super().get_line_filters(), self._plain)

    def on_mount(self) -> None:
        """Be ready to be ended."""
        heed_signals(self.leave)

    def action_change_theme(self) -> None:
        """From dark to light and back."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:  # noqa: ARG002
        """What Ctrl+P offers on every screen."""
        from flasher.tui.palette import everywhere

        return everywhere(self)

    def action_command_palette(self) -> None:
        """Find a command by its words."""
        from textual.command import CommandPalette

        if not isinstance(self.screen, CommandPalette):
            words = _("Search for commands…")
            self.push_screen(CommandPalette(id="--command-palette", placeholder=words))

    async def action_quit(self) -> None:
        """Close, but not over something that could be lost."""
        self._ask_and_quit()

    @work(exclusive=True, exit_on_error=False, group="quit")
    async def _ask_and_quit(self) -> None:
        from flasher.tui.screens.question import QuestionScreen

        for screen in reversed(self.screen_stack):
            question = screen.farewell() if isinstance(screen, WizardScreen) else None
            if question and not await self.push_screen_wait(
                QuestionScreen(question, yes=_("Quit"), no=_("Stay"))
            ):
                return
            await self._settle(screen)
        self.let_go()
        self.exit()

    def leave(self, number: int) -> None:
        """End without a question, as a signal of this number asks; no card is lost by that."""
        screens = [each for each in reversed(self.screen_stack) if isinstance(each, WizardScreen)]
        end_without_terminal(number, [screen.abandon for screen in screens])
        self._settle_and_leave(number)

    @work(exclusive=True, exit_on_error=False, group="quit")
    async def _settle_and_leave(self, number: int) -> None:
        for screen in reversed(self.screen_stack):
            await self._settle(screen)
        self.let_go()
        self.exit(return_code=BY_SIGNAL + number)

    def _handle_exception(self, error: Exception) -> None:
        # The first one is the cause; others follow from it.
        self.trouble = self.trouble or explained(error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual would print all variables that were at hand, passwords among them.
        for screen in reversed(self.screen_stack):
            if isinstance(screen, WizardScreen):
                screen.abandon()
        self.let_go()
        self._close_messages_no_wait()

    def let_go(self) -> None:
        """Stop what still runs beside the screens."""

    @staticmethod
    async def _settle(screen: Screen[object]) -> None:
        if isinstance(screen, WizardScreen):
            await screen.settle()
