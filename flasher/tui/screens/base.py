"""What every screen of the wizard has: help in plain words, and a word before it is left."""

from __future__ import annotations

from typing import TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen, Screen
from textual.worker import Worker, WorkerState

from flasher.errors import FlasherError
from flasher.tui.words import _

R = TypeVar("R")


class WizardScreen(Screen[R]):
    """A whole screen.

    Attributes:
        HELP: what one does here, in Markdown, for people who are no developers.
    """

    HELP = ""
    BINDINGS = [  # noqa: RUF012  (Textual's own name and kind, here and in all screens)
        Binding(
            "f1,question_mark", "help", _("Help"), key_display="?", tooltip=_("What one does here")
        ),
    ]

    def action_help(self) -> None:
        """Say what one does here."""
        # Its Markdown would cost every start a tenth of its time.
        from flasher.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.HELP))

    def farewell(self) -> str | None:
        """What to ask before this screen is left; None where nothing could be lost."""
        return None

    async def settle(self) -> None:
        """Bring what would be lost to an end; the screen is left after that."""

    def abandon(self) -> None:
        """The same in a thread, while the screen itself can do nothing any more."""

    def tell(self, error: FlasherError, title: str = "") -> None:
        """Say in passing what went wrong, and what to do."""
        # Its words for every trouble are not read before there is one.
        from flasher.tui.trouble import in_words

        self.notify(in_words(error), title=title, severity="error", markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error of the wizard itself is told, and the wizard stays."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            words = f"{type(error).__name__}: {error}"
            self.notify(words, title=_("Stumbled"), severity="error", markup=False)


class WizardDialog(ModalScreen[R], WizardScreen[R]):
    """A window over the screen below, which stays in sight."""
