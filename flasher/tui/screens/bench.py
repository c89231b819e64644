"""Third screen, where the work is done: the rig, and a lane for each card reader."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import fields

from textual import on, work
from textual.app import ComposeResult

from flasher.bench.model import Autopsy, BenchState, Counting, Failed, Lane, Ready, Working
from flasher.bench.runner import BenchPorts, BenchRunner
from flasher.errors import FlasherError
from flasher.image.source import ImageFile
from flasher.rig.rigmap import RigMap
from flasher.tui.bench_news import following, just_ended, outline
from flasher.tui.images import ImageStatus, ImageTrouble
from flasher.tui.lane_words import Around
from flasher.tui.messages import BenchChanged
from flasher.tui.palette import BenchCommands
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.bench_keys import HELP, KEYS
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.screens.lane_dialogs import LaneDialogs
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.waiting import WaitingScreen
from flasher.tui.trouble import Way, explain
from flasher.tui.widgets.bench_view import BenchView
from flasher.tui.widgets.cautions import Cautions
from flasher.tui.widgets.image_line import ImageLine
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.lane_box import LaneBox
from flasher.tui.widgets.node_picker import NodePicker
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.words import _
from flasher.tui.workplace import Workplace

_COUNT_EVERY_SECONDS = 0.25
_DRAW_EVERY_SECONDS = 0.1
# Longer than a lane is waited for that never answers.
_LONGEST_STOP_SECONDS = 60.0


class BenchScreen(WizardScreen[None]):
    """Cards in any number of readers at once, until every node is ready.

    Args:
        workplace: readers, ledger, clock.
        rig: the rig map whose cards are made.
    """

    COMMANDS = {BenchCommands}  # noqa: RUF012  (Textual's own name and kind)
    HELP = HELP
    BINDINGS = [*KEYS]  # noqa: RUF012

    def __init__(self, workplace: Workplace, rig: RigMap) -> None:
        super().__init__()
        self._workplace, self._rig = workplace, rig
        # A workplace has all of them, by the same names.
        ports = BenchPorts(
            **{each.name: getattr(workplace, each.name) for each in fields(BenchPorts)}
        )
        self._image: ImageFile | FlasherError | None = None
        self.runner = BenchRunner(ports, rig, lambda: self._image, on_change=self._tell)
        self.bench = self.runner.state
        self.silent = False
        self._unread: list[str] = []
        self._is_due = False
        self._dialogs = LaneDialogs(self, self.runner, rig)

    def compose(self) -> ComposeResult:
        """The bench between the line of steps and the line of keys."""
        yield TitleBar("Bench", practice=self._workplace.practice)
        yield BenchView(self._rig, self.bench)
        yield Cautions(self._workplace, self._rig)
        yield ImageLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Watch the readers."""
        self.watch(self.app, "image_status", self._follow_image)
        self.runner.start()
        # Count-downs go on although nothing changes.
        self.set_interval(_COUNT_EVERY_SECONDS, lambda: self._view.count(self._around()))

    def on_unmount(self) -> None:
        """Watch no more."""
        self.runner.close()

    def _tell(self, state: BenchState) -> None:
        """From any thread; while the wizard closes nobody hears it."""
        if self.is_running:
            with suppress(RuntimeError):
                self.post_message(BenchChanged(state))

    @on(BenchChanged)
    def _follow(self, message: BenchChanged) -> None:
        before, self.bench = self.bench, message.state
        for lane in just_ended(before, self.bench):
            self._announce(lane)
        if outline(before) == outline(self.bench):
            self._draw_soon()
        else:
            self._draw()
            self.refresh_bindings()
        if not before.lanes and self.bench.lanes:
            self.call_after_refresh(self._view.focus_lane)

    def _follow_image(self, status: ImageStatus) -> None:
        if isinstance(status, ImageTrouble):
            self._image = status.error
        else:
            self._image = status if isinstance(status, ImageFile) else None
        self._draw()

    def _announce(self, lane: Lane) -> None:
        if not self.silent:
            self.app.bell()
        if isinstance(lane.phase, Ready):
            self._view.note_made(lane.phase.result.seconds)
        if isinstance(lane.phase, Autopsy):
            self._unread.append(lane.reader)
            self._read_next()

    def on_screen_resume(self) -> None:
        """What could not be told while something else was asked."""
        self._read_next()

    def _read_next(self) -> None:
        if self._unread and self.is_active:
            lane = self.bench.lane(self._unread.pop(0))
            if isinstance(lane.phase, Autopsy):
                self._talk(lane, asked=False)

    def _draw_soon(self) -> None:
        """Many lanes get on at once: they are drawn together."""
        if not self._is_due:
            self._is_due = True
            self.set_timer(_DRAW_EVERY_SECONDS, self._draw)

    def _draw(self) -> None:
        self._is_due = False
        self._view.show(self.bench, self._around(), silent=self.silent)

    def _around(self) -> Around:
        counting = any(isinstance(lane.phase, Counting) for lane in self.bench.lanes)
        return Around(
            now=self._workplace.ticks() if counting else 0.0,
            has_image=isinstance(self._image, ImageFile),
        )

    @property
    def _view(self) -> BenchView:
        return self.query_one(BenchView)

    @property
    def lane(self) -> Lane | None:
        """The lane that keys are for, as it is now."""
        lane = self._view.lane if self.is_mounted else None
        return self.bench.lane(lane.reader) if lane else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Only what failed can be made again, only what is made can be stopped."""
        phase = self.lane.phase if self.lane else None
        told = explain(phase.error) if isinstance(phase, Failed) else None
        counting = any(isinstance(lane.phase, Counting) for lane in self.bench.lanes)
        allowed = {
            "retry": bool(told and Way.RETRY in told.ways and not told.goes_on),
            "go_on": bool(told and Way.RETRY in told.ways and told.goes_on),
            "stop": isinstance(phase, Working) and not phase.stopping,
            "delay": counting,
            "back": not counting,
        }
        return allowed.get(action, True)

    @on(LaneBox.Entered)
    def _mind_keys(self) -> None:
        self.refresh_bindings()

    @on(LaneBox.Pressed)
    def _press(self, event: LaneBox.Pressed) -> None:
        self._talk(self.bench.lane(event.reader))

    @work(exclusive=True, exit_on_error=False, group="dialog")
    async def _talk(self, lane: Lane, *, asked: bool = True) -> None:
        await self._dialogs.press(lane, asked=asked)

    def action_press(self) -> None:
        """What Enter does."""
        if self.lane:
            self._talk(self.lane)

    def action_retry(self) -> None:
        """Make the card again that failed."""
        if self.lane:
            self._dialogs.retry(self.lane)

    def action_go_on(self) -> None:
        """The same, where what is right on the card is kept."""
        self.action_retry()

    @work(exclusive=True, exit_on_error=False, group="dialog")
    async def action_stop(self) -> None:
        """Stop this lane, if the person means it."""
        if self.lane:
            await self._dialogs.stop(self.lane)

    def action_delay(self) -> None:
        """Let nothing start by itself that counts now."""
        for lane in self.bench.lanes:
            if isinstance(lane.phase, Counting):
                self.runner.delay(lane.reader)

    def action_auto(self) -> None:
        """Start blank cards and cards of ours by themselves, or not."""
        self.runner.set_auto(not self.bench.auto)

    def action_pause(self) -> None:
        """Start nothing new, or go on."""
        self.runner.set_paused(not self.bench.paused)

    def action_skip(self) -> None:
        """Another node's card first: instead of this lane's, or of the first in line."""
        lane = self.lane
        if lane and lane.node and not isinstance(lane.phase, Working):
            self.runner.skip(lane.node.name)
        elif ahead := following(self.bench):
            self.runner.skip(ahead[0].name)

    def action_find(self) -> None:
        """Choose by its name whose card is next."""
        question = FindNodeScreen(_("Whose card is next?"), self._rig.nodes)
        self.app.push_screen(question, self._choose)

    @on(NodePicker.Chosen)
    def _choose_in_drawing(self, event: NodePicker.Chosen) -> None:
        self._choose(self._view.node_at(event).name)
        self._view.focus_lane()

    def _choose(self, name: str | None) -> None:
        if name:
            self.runner.choose(name)
            self.notify(_("{name} is next.").format(name=name), markup=False)

    def action_look(self) -> None:
        """Look at the readers now."""
        self.runner.look_again()

    def action_sound(self) -> None:
        """Sound on or off."""
        self.silent = not self.silent
        self._draw()

    def action_switch(self) -> None:
        """From the lanes to the drawing, and back."""
        self._view.switch()

    def action_lane(self, number: int) -> None:
        """Go to the lane of this number."""
        self._view.focus_lane(number)

    @work(exclusive=True, exit_on_error=False, group="done")
    async def action_done(self) -> None:
        """What was made."""
        await self._dialogs.end(self._workplace, self._image)

    def farewell(self) -> str | None:
        """Nobody leaves half-written cards unasked."""
        if not self.runner.state.is_busy:
            return None
        return _("Cards are being written. Stop? Each can be gone on with later.")

    async def settle(self) -> None:
        """Stop what is being made, and wait until it has stopped."""
        if self.runner.state.is_busy:
            self.app.push_screen(WaitingScreen(_("Stopping. Leave the cards in their readers …")))
        await asyncio.to_thread(self.abandon)

    def abandon(self) -> None:
        """The same in a thread, while the screen itself can do nothing any more."""
        self.runner.set_paused(True)
        self.runner.stop_all()
        self.runner.wait_idle(_LONGEST_STOP_SECONDS)

    @work(exclusive=True, exit_on_error=False, group="back")
    async def action_back(self) -> None:
        """To the sites; asks while cards are being made."""
        if question := self.farewell():
            if not await self.app.push_screen_wait(
                QuestionScreen(question, yes=_("Stop and go back"), no=_("Stay"))
            ):
                return
            await self.settle()
            while self.app.screen is not self:
                self.app.pop_screen()
        self.dismiss()
