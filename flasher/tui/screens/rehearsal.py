"""A card boots in an emulated Pi, with its console in sight, until its node says how it went."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Log, ProgressBar, Static

from flasher.errors import Cancelled, FlasherError
from flasher.events import CancelFlag, Event, Noted, StepAdvanced, StepStarted
from flasher.progress import readable_seconds
from flasher.rehearsal.run import Rehearsal, rehearse
from flasher.rig.ledger import Ledger
from flasher.rig.sightings import record_sighting
from flasher.tui.attempt import attempt
from flasher.tui.rehearsals import Choice
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.trouble import explain, in_words
from flasher.tui.troubles.nodes import NODES
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.words import _

MOST_LINES = 2000
_UPDATES_A_SECOND = 10
_STOP = _("Stop the rehearsal? The card stays as it is.")
_STEPS = {"copy": _("Copying the card"), "boot": _("Booting the copy in an emulated Pi")}


@dataclass
class Ended(Message):
    """The rehearsal is over."""

    outcome: Rehearsal | FlasherError


class RehearsalScreen(WizardScreen[Rehearsal | None]):
    """Boots a copy of a card; gives what came of it, None where it gave no result.

    A card that the ledger knows and whose node says done gets its line there.

    Args:
        name: of the node, or what else the card is called.
        card: which one it is.
        ledger: where it is recorded.
        about: which card of the node it is, one phrase.
    """

    HELP = _("""
# Rehearsal

A **copy** of the card starts in an emulated Pi, and you see what it would print on a screen. It
takes some minutes; the card itself stays as it is. What works here but not in the rig lies with the
Pi: power, cable, wifi, camera.

**Escape** asks whether to stop. The arrow keys move through the lines, **C** copies them.
""")
    DEFAULT_CSS = """
    RehearsalScreen #top { height: auto; padding: 0 2; }
    RehearsalScreen #title { text-style: bold; }
    RehearsalScreen #about { color: $text-muted; }
    RehearsalScreen ProgressBar, RehearsalScreen Bar { width: 1fr; }
    RehearsalScreen Log {
        height: 1fr;
        border: round $secondary;
        border-title-color: $foreground;
        background: $surface;
        scrollbar-size-vertical: 1;
    }
    RehearsalScreen Log:focus { border: round $primary; }
    RehearsalScreen #result { display: none; text-align: center; text-style: bold; padding: 1 2; }
    RehearsalScreen #words { display: none; padding: 0 2; }
    RehearsalScreen.-ended #result, RehearsalScreen.-ended #words { display: block; }
    RehearsalScreen.-ended ProgressBar { display: none; }
    RehearsalScreen.-done #result { background: $success; color: $background; }
    RehearsalScreen.-failed #result { background: $error; color: $background; }
    RehearsalScreen.-stopped #result { background: $warning; color: $background; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "ask_to_stop", _("Stop"), key_display="Esc"),
        Binding("escape,enter", "go_back", _("Back"), key_display="Esc"),
        Binding("c", "copy", _("Copy the lines")),
    ]

    def __init__(self, name: str, card: Choice, ledger: Ledger, about: str = "") -> None:
        super().__init__()
        self._about = about
        self._node, self._card, self._ledger = name, card, ledger
        self._cancel = CancelFlag()
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._stage: StepStarted | StepAdvanced | None = None
        self._ended = asyncio.Event()
        self.outcome: Rehearsal | FlasherError | None = None

    def compose(self) -> ComposeResult:
        """What is done, how far it is, the console; and at the end the result."""
        with Vertical(id="top"):
            yield Static(Content(_("Rehearsal of {name}").format(name=self._node)), id="title")
            if self._about:
                yield Static(Content(self._about), id="about")
            yield Static(Content(_("Looking at the card")), id="stage")
            yield ProgressBar(show_eta=False)
        yield Static(id="result")
        yield Static(id="words")
        log = Log(max_lines=MOST_LINES)
        log.border_title = _("Console")
        yield log
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin."""
        self.query_one(Log).focus()
        self.set_interval(1 / _UPDATES_A_SECOND, self._paint)
        self._boot()

    def on_unmount(self) -> None:
        """Whoever closes the screen, or the wizard, switches the emulated Pi off."""
        self._cancel.set()

    @property
    def busy(self) -> bool:
        """Whether the emulated Pi runs, or soon will."""
        return self.outcome is None

    def farewell(self) -> str | None:
        """A rehearsal is not stopped unasked."""
        return _STOP if self.busy else None

    async def settle(self) -> None:
        """Switch the emulated Pi off, and wait until it is."""
        self._cancel.set()
        await self._ended.wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Only what runs can be stopped."""
        return {"ask_to_stop": self.busy, "go_back": not self.busy}.get(action, True)

    @work(exclusive=True, exit_on_error=False, group="question")
    async def action_ask_to_stop(self) -> None:
        """Switch the emulated Pi off, if the person means it."""
        question = QuestionScreen(_STOP, yes=_("Stop"), no=_("Go on"))
        if await self.app.push_screen_wait(question):
            self._cancel.set()

    def action_go_back(self) -> None:
        """Close, with what came of it."""
        self.dismiss(self.outcome if isinstance(self.outcome, Rehearsal) else None)

    def action_copy(self) -> None:
        """Give the lines to the terminal's clipboard."""
        self.app.copy_to_clipboard("\n".join(self.query_one(Log).lines))
        self.notify(_("The lines are in the clipboard."))

    @work(thread=True, exit_on_error=False, group="rehearsal")
    def _boot(self) -> None:
        ended = Ended(attempt(self._rehearse))
        if isinstance(ended.outcome, Rehearsal):
            self._record(ended.outcome)
        self.post_message(ended)

    def _rehearse(self) -> Rehearsal:
        card = self._card(self._cancel)
        return rehearse(card, emit=self._hear, cancel=self._cancel)

    def _hear(self, event: Event) -> None:
        """Called by the thread: only notes, which `_paint` shows."""
        if isinstance(event, Noted):
            self._lines.append(f"! {event.text}" if event.warning else event.text)
        elif isinstance(event, StepStarted | StepAdvanced):
            self._stage = event

    def _record(self, rehearsal: Rehearsal) -> None:
        if rehearsal.card is None:
            return
        drive, seconds = str(rehearsal.card), rehearsal.seconds
        try:
            record_sighting(
                self._ledger, rehearsal.status, "rehearsed", drive=drive, seconds=seconds
            )
        except FlasherError as error:  # it went well all the same
            self._lines.append(f"! {in_words(error)}")

    def _paint(self) -> None:
        lines = [self._lines.popleft() for _number in range(len(self._lines))]
        if lines:
            self.query_one(Log).write_lines(lines)
        stage, self._stage = self._stage, None
        if stage and self.busy:
            done = stage.done if isinstance(stage, StepAdvanced) else 0
            self.query_one("#stage", Static).update(Content(_STEPS.get(stage.step, stage.step)))
            self.query_one(ProgressBar).update(total=stage.total, progress=done)

    @on(Ended)
    def _show_outcome(self, message: Ended) -> None:
        self.outcome = message.outcome
        self._ended.set()
        self._paint()
        state, headline, words = _told(self._node, message.outcome)
        self.query_one("#result", Static).update(Content(headline))
        self.query_one("#words", Static).update(Content(words))
        self.query_one("#stage", Static).update("")
        self.add_class("-ended", state)
        self.refresh_bindings()
        self.app.bell()


def _told(name: str, outcome: Rehearsal | FlasherError) -> tuple[str, str, str]:
    """The colour's class, the headline with its sign, and what else there is to say."""
    if isinstance(outcome, Cancelled):
        headline = _("■  The rehearsal of {name} was stopped").format(name=name)
        return "-stopped", headline, _("The card is as it was.")
    if isinstance(outcome, FlasherError):
        told = explain(outcome)
        headline = _("✗  {name} did not come up").format(name=name)
        return "-failed", headline, "\n".join(filter(None, (told.what, told.why, told.todo)))
    return _result(name, outcome)


def _result(name: str, rehearsal: Rehearsal) -> tuple[str, str, str]:
    status, took = rehearsal.status, readable_seconds(rehearsal.seconds)
    not_shown = "\n".join(
        _("Not rehearsed: {what}").format(what=what) for what in rehearsal.not_rehearsed
    )
    if status is None:
        headline = _("✓  {name} started, and has nothing to set up").format(name=name)
        return "-done", headline, not_shown
    if status.state == "done":
        headline = _("✓  {name} came up and is done, in {time}").format(name=name, time=took)
        return "-done", headline, not_shown
    words = NODES.get(status.code or "")
    why = (status.reason or "", words.cause if words else "", words.todo if words else "")
    headline = _("✗  {name} failed at the step {step}").format(name=name, step=status.step or "–")
    return "-failed", headline, "\n".join(filter(None, why))
