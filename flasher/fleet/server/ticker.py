"""The clock of a rig's side: what is shown each second, what is looked at and kept every few."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from flasher.errors import FlasherError
from flasher.events import Emit, Noted
from flasher.fleet.board.history import turns, unheard
from flasher.fleet.server.app import now
from flasher.fleet.server.complaints import SUBJECT
from flasher.fleet.server.rig_side import RigSide
from flasher.fleet.server.signed_plan import PlanReader

_KEEP_EVERY = 5
_BEHIND = (
    "The repository has an older plan of the rollout than one that was seen: nobody goes by it."
)


class Ticker:
    """Looks at the clock for a rig: once a second what is shown, every few what is kept.

    Args:
        rig: whose.
        emit: is told what could not be read or kept.
        seconds: of a tick.
    """

    def __init__(self, rig: RigSide, emit: Emit, seconds: float = 1.0) -> None:
        self._rig, self._desk, self._emit, self._seconds = rig, rig.desk.desk, emit, seconds
        self._before = unheard(self._desk.board)
        self._tasks: list[asyncio.Task[None]] = []
        self._troubles: dict[str, str] = {}

    async def begin(self) -> None:
        """Look once at what is near, and then again and again."""
        await self._look()
        self._show()
        self._tasks = [asyncio.create_task(self._go_on())]
        if self._rig.plans:
            # A repository that is far away may take its time.
            self._tasks.append(asyncio.create_task(self._follow(self._rig.plans)))

    async def end(self) -> None:
        """Keep all there is to keep."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._desk.later(now())
        await self._keep()

    async def _go_on(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(self._seconds)
            with self._telling("show"):
                self._show()
            count += 1
            if count % _KEEP_EVERY == 0:
                await self._look()
                await self._keep()

    async def _follow(self, plans: PlanReader) -> None:
        while True:
            with self._telling("plan"):
                self._desk.follow(await plans.look())
            hint = self._rig.keeper.how_to_forget_the_plan
            self._tell("age of the plan", f"{_BEHIND} {hint}" if plans.is_behind else "")
            await asyncio.sleep(self._seconds * _KEEP_EVERY)

    def _show(self) -> None:
        self._desk.later(now())
        self._rig.desk.viewers.show(self._desk.board.view())

    async def _look(self) -> None:
        """At the ledger."""
        with self._telling("look"):
            if cards := await asyncio.to_thread(self._rig.look):
                self._desk.recognise(cards)
                self._rig.history.forget()

    async def _keep(self) -> None:
        before, after = self._before, self._desk.board
        plans = self._rig.plans
        with self._telling("keep"):
            points = turns(before, after)
            memory = self._rig.keeper.memory(self._desk, plans.seen if plans else 0)
            await asyncio.to_thread(self._rig.keeper.write, memory)
            await asyncio.to_thread(self._rig.history.add, points, after.now)
            self._before = after

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """The board goes on, whatever a full disk or a busy ledger says; it is told once.

        Args:
            what: is tried again and again; another trouble with it is told, too.
        """
        words = ""
        try:
            yield
        except FlasherError as error:
            words = f"{error.message} {error.hint}"
        except Exception as error:  # a mistake of ours stops no clock either
            words = str(error) if isinstance(error, OSError) else repr(error)
        self._tell(what, words)

    def _tell(self, what: str, words: str) -> None:
        if words and words != self._troubles.get(what):
            self._emit(Noted(SUBJECT, words, warning=True))
        self._troubles[what] = words
