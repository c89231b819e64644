"""While a card is written and read back, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Footer, Static

from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Event, Noted, StepAdvanced, StepStarted
from flasher.prepare import CardResult, NodeCard, prepare_card
from flasher.rig.ledger import Ledger
from flasher.tui.attempt import attempt
from flasher.tui.messages import CardSettled, EngineEvent
from flasher.tui.screens.base import WizardDialog
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.widgets.drive_list import title
from flasher.tui.widgets.outcome import Outcome
from flasher.tui.widgets.step_row import StepRow

_NOTES_SHOWN = 3
_STOP = "Stop writing? The card will not start a Pi until it is written again."
STEPS = {
    "probe": "Look whether the card is what it says",
    "write": "Write",
    "verify": "Read back and compare",
}


class WritingScreen(WizardDialog[CardResult | FlasherError]):
    """Writes a card in a thread, shows how it goes, gives the outcome when the person goes on.

    Args:
        card: what is written.
        drive: where it is written.
        ledger: where it is recorded.
        ticks: seconds, for speeds.
    """

    HELP = """
# Writing

The card is looked at first: some say that they hold more than they do. Then what it must hold is
written, and every byte **read back and compared**; what is on it already is left as it is. Leave it
in the reader until the screen says that it is ready.

**Escape** asks whether to stop. A card that was stopped half-way does not start a Pi; it can
simply be written again.
"""
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "ask_to_stop", "Stop", key_display="Esc"),
        Binding("escape", "go_on", "Back to the bench", key_display="Esc"),
        Binding("r", "retry", "Try again"),
        Binding("right,left", "app.focus_next", "Other button", key_display="← →", show=False),
    ]

    def __init__(
        self, card: NodeCard, drive: Drive, ledger: Ledger, ticks: Callable[[], float]
    ) -> None:
        super().__init__()
        self._card, self._drive, self._ledger, self._ticks = card, drive, ledger, ticks
        self._cancel = CancelFlag()
        self._notes: list[str] = []
        self.outcome: CardResult | FlasherError | None = None
        self._ended = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Two steps while it runs; the outcome when it ended."""
        node = self._card.node
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = f"{node.name} · {node.position}"
            yield Static(f"Onto {title(self._drive)}, {self._drive.path}", markup=False, id="onto")
            for name, words in STEPS.items():
                yield StepRow(name, words, self._ticks)
            yield Static(id="notes", markup=False)
            yield Outcome()
            with Horizontal(classes="buttons"):
                yield Button("Stop", id="stop", action="screen.ask_to_stop")
                yield Button("Next card", id="onward", variant="success", action="screen.go_on")
                yield Button("Try again", id="retry", variant="primary", action="screen.retry")
                yield Button("Back to the bench", id="back", action="screen.go_on")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin."""
        self._begin()

    @property
    def busy(self) -> bool:
        """Whether the card is being written right now."""
        return self.outcome is None

    def farewell(self) -> str | None:
        """Nobody leaves a half-written card unasked."""
        return _STOP if self.busy else None

    async def stop(self) -> None:
        """Tell the engine to stop, and wait until it has."""
        self._cancel.set()
        await self._ended.wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Only what is running can be stopped, and only what failed can be tried again."""
        allowed = {
            "ask_to_stop": self.busy,
            "go_on": not self.busy,
            "retry": isinstance(self.outcome, FlasherError),
        }
        return allowed.get(action, True)

    def action_retry(self) -> None:
        """Write the card again."""
        self._begin()

    def _begin(self) -> None:
        self.outcome, self._cancel = None, CancelFlag()
        self._ended.clear()
        self._notes.clear()
        self._show_notes()
        for row in self.query(StepRow):
            row.reset()
        self._show_stage("-busy")
        self.query_one("#stop").focus()
        self.refresh_bindings()
        self._write(self._cancel)

    @work(thread=True, exit_on_error=False, group="write")
    def _write(self, cancel: CancelFlag) -> None:
        def emit(event: Event) -> None:
            self.post_message(EngineEvent(event))

        def work_on_card() -> CardResult:
            return prepare_card(self._card, self._drive, self._ledger, emit=emit, cancel=cancel)

        self.post_message(CardSettled(attempt(work_on_card)))

    @on(EngineEvent)
    def _show_event(self, message: EngineEvent) -> None:
        message.stop()
        event = message.event
        if isinstance(event, Noted):
            if event.warning:
                self._notes.append(f"! {event.text}")
                self._show_notes()
            return
        if event.step not in STEPS:
            return
        row = self.query_one(f"#step-{event.step}", StepRow)
        if isinstance(event, StepStarted):
            row.start(event)
        elif isinstance(event, StepAdvanced):
            row.advance(event)
        else:
            row.finish(event)

    @on(CardSettled)
    def _show_outcome(self, message: CardSettled) -> None:
        self.outcome = message.outcome
        self._ended.set()
        self.query_one(Outcome).show(self._card.node, message.outcome)
        failed = isinstance(message.outcome, FlasherError)
        self._show_stage("-failed" if failed else "-ready")
        self.query_one("#retry" if failed else "#onward").focus()
        self.refresh_bindings()
        self.app.bell()

    @work(exclusive=True, exit_on_error=False, group="question")
    async def action_ask_to_stop(self) -> None:
        """Stop, if the person means it."""
        if await self.app.push_screen_wait(
            QuestionScreen(_STOP, yes="Stop writing", no="Keep writing")
        ):
            await self.stop()

    def action_go_on(self) -> None:
        """Back to the bench, and on with the next card."""
        if self.outcome is not None:
            self.dismiss(self.outcome)

    def _show_notes(self) -> None:
        """The last warnings, such as of a place that had to be written twice."""
        notes = self.query_one("#notes", Static)
        notes.update("\n".join(self._notes[-_NOTES_SHOWN:]))
        notes.display = bool(self._notes)

    def _show_stage(self, stage: str) -> None:
        self.remove_class("-busy", "-failed", "-ready")
        self.add_class(stage)
