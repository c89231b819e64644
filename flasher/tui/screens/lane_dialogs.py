"""What Enter does on a lane: it starts, it asks, or it tells more. Each gives way to a person."""

from __future__ import annotations

from functools import partial

from flasher.bench.model import (
    Autopsy,
    Counting,
    Empty,
    Failed,
    Lane,
    NodeState,
    Offered,
    Ready,
    Refused,
    Working,
)
from flasher.bench.runner import BenchRunner
from flasher.bench.work import is_agreed, is_still
from flasher.errors import FlasherError
from flasher.image.source import ImageFile
from flasher.rig.rigmap import RigMap
from flasher.tui.engine_words import translated
from flasher.tui.lane_parts import is_back, must_ask, whose
from flasher.tui.screens.autopsy import AutopsyScreen, Remedy
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.confirm import ConfirmScreen, Loss
from flasher.tui.screens.label import LabelScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.told import ToldScreen
from flasher.tui.screens.trouble import TroubleScreen
from flasher.tui.trouble import Way
from flasher.tui.words import _
from flasher.tui.workplace import Workplace

# In which keys that were meant for the bench can still come, after a window that nobody asked for.
_QUIET_SECONDS = 1.0


class LaneDialogs:
    """Talks with the person about one lane.

    Args:
        screen: over which dialogs open; its methods run in a worker.
        runner: what is told in the end.
        rig: whose cards are made.
    """

    def __init__(self, screen: WizardScreen[None], runner: BenchRunner, rig: RigMap) -> None:
        self._screen, self._runner, self._rig = screen, runner, rig

    async def press(self, lane: Lane, *, asked: bool = True) -> None:
        """Do what the lane offers now; `asked`: a person wants it, and looks at the lane."""
        match lane.phase:
            case Empty():
                self._say(_("There is no card in this reader: put one in."))
            case Refused(why):
                words = translated(why)
                told = f"{words[:1].upper()}{words[1:]}."
                error = FlasherError("not-written", told, _refusal_hint(why))
                title = _("This card is not written")
                await self._screen.app.push_screen_wait(ToldScreen(title, error))
            case Offered() | Counting():
                await self._start(lane)
            case Working():
                await self.stop(lane)
            case Ready() as ready:
                await self._screen.app.push_screen_wait(LabelScreen(ready))
            case Failed() if is_back(lane):
                self.retry(lane)
            case Failed():
                await self._tell_trouble(lane)
            case Autopsy():
                await self.open_autopsy(lane, asked=asked)

    async def stop(self, lane: Lane) -> None:
        """Stop a card, if the person means it."""
        question = _("Stop writing {whose}? The card starts no Pi until it is written again.")
        asked = QuestionScreen(
            question.format(whose=whose(lane)), yes=_("Stop writing"), no=_("Keep writing")
        )
        if await self._screen.app.push_screen_wait(asked):
            self._runner.stop(lane.reader)

    def retry(self, lane: Lane) -> None:
        """Do what failed again, with the card that it failed on."""
        now = self._runner.state.lane(lane.reader)
        if not is_still(now, lane):
            self._say_exchanged()
        elif now.drive is None or now.memory.pulled:
            self._say(_("Put the card back into this reader first: what is right on it is kept."))
        else:
            self._runner.retry(lane.reader, lane)

    async def open_autopsy(self, lane: Lane, *, asked: bool = True) -> None:
        """Tell what a card says that failed in the rig, and do what the person chooses."""
        assert isinstance(lane.phase, Autopsy)
        in_rig = lane.phase.report.node in self._runner.state.states
        told = AutopsyScreen(lane, in_rig=in_rig, quiet_seconds=0.0 if asked else _QUIET_SECONDS)
        remedy = await self._screen.app.push_screen_wait(told)
        if remedy is Remedy.ANEW and await self._may_be_lost(lane):
            self._runner.begin(lane.reader, lane)
        elif remedy in (Remedy.AGAIN, Remedy.NEW_PAYLOAD):
            self._rearm(lane, new_payload=remedy is Remedy.NEW_PAYLOAD)

    async def end(self, workplace: Workplace, image: ImageFile | FlasherError | None) -> None:
        """Show what was made; from there a node may come back, whose card is made next."""
        # What it needs would cost every start.
        from flasher.tui.screens.done import DoneScreen

        screen = DoneScreen(
            workplace,
            self._rig,
            lambda: self._runner.state,
            image if isinstance(image, ImageFile) else None,
            on_rehearsed=lambda name: self._runner.set_node_state(name, NodeState.REHEARSED),
        )
        if name := await self._screen.app.push_screen_wait(screen):
            self._runner.choose(name)

    async def _start(self, lane: Lane) -> None:
        if lane.node is None:
            self._say(_("Every node has its card. F makes one of them again."))
        elif self._runner.state.paused:
            self._say(_("The bench is paused: P goes on."))
        elif isinstance(lane.phase, Counting) or await self._may_be_lost(lane):
            self._runner.begin(lane.reader, lane)

    async def _may_be_lost(self, lane: Lane) -> bool:
        """Whether what is on the card may be lost: asked where it could be missed."""
        if not must_ask(lane.phase):
            return True
        look = partial(self._look, lane.reader)
        if not await self._screen.app.push_screen_wait(ConfirmScreen(self._rig, lane, look)):
            return False
        now = self._runner.state.lane(lane.reader)
        if (now.drive, now.node) == (lane.drive, lane.node):
            return True
        self._say_exchanged()
        return False

    def _rearm(self, lane: Lane, *, new_payload: bool) -> None:
        if is_agreed(self._runner.state.lane(lane.reader), lane):
            self._runner.rearm(lane.reader, new_payload, lane)
        else:
            self._say_exchanged()

    def _say_exchanged(self) -> None:
        self._say(_("The card in this reader is another one now: look again, and choose it anew."))

    def _look(self, reader: str) -> Loss:
        return Loss(self._runner.lost(reader), self._runner.warnings(reader))

    async def _tell_trouble(self, lane: Lane) -> None:
        way = await self._screen.app.push_screen_wait(TroubleScreen(lane))
        if way is Way.RETRY:
            self.retry(lane)
        elif way is Way.OTHER_CARD:
            self._say(_("Take this card out, and put another one into the same reader."))
        elif way is Way.SKIP and lane.node:
            self._runner.skip(lane.node.name)

    def _say(self, words: str) -> None:
        self._screen.notify(words, markup=False)


def _refusal_hint(why: str) -> str:
    """What to do with a card that is not written."""
    if "too small" in why:
        return _("Put a larger card into this reader.")
    if "write-protected" in why:
        return _("If the lock is open already, take another card.")
    if "in use" in why:
        return _("Close what uses it, then press L to look again.")
    return _("Put a card into a card reader: disks of this computer are never written.")
