"""A site's side of a server: its cards as the ledger has them, its plan, its board, its memory."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autosetup.site_key import SiteKey
from flasher.errors import BadInput, FlasherError
from flasher.events import Emit, Noted
from flasher.fleet.board.history import History, turns
from flasher.fleet.board.places import board_of
from flasher.fleet.server.app import RigDesk, now
from flasher.fleet.server.desk import Cards, Desk, cards_in
from flasher.fleet.server.guard import Guard
from flasher.fleet.server.keeping import Keeper, Running, folder_of
from flasher.fleet.server.shelf import Shelf
from flasher.fleet.server.signed_plan import PlanReader
from flasher.rig.ledger import Ledger
from flasher.rig.profile import Profile, load_profile

_TICK_SECONDS, _KEEP_EVERY = 1.0, 5
_SUBJECT = "server"


@dataclass(frozen=True, slots=True)
class RigSide:
    """What a server does for one site, beside the repository.

    Attributes:
        desk: with its guard.
        keeper: remembers it.
        history: gets the turning points.
        look: the cards as the ledger has them; None where nothing changed since.
        plans: the site's plan; None without a key or a repository.
        running: for this person's other programs.
    """

    desk: RigDesk
    keeper: Keeper
    history: History
    look: Callable[[], Cards | None]
    plans: PlanReader | None
    running: Running


@dataclass(frozen=True, slots=True)
class Whose:
    """The site that is served.

    Attributes:
        name: its name.
        key: the public half of its key; None for a site without.
        profile: lays its nodes out; None for the one that most cards are of, if it is here.
        ledger: knows its cards.
        at_once: see `Desk`.
    """

    name: str
    key: SiteKey | None
    ledger: Ledger
    profile: Profile | None = None
    at_once: int = 0


def rig_side(whose: Whose, guard: Guard, url: str, authority: str, shelf: Shelf | None) -> RigSide:
    """Everything as it was when the last server ended, and as the ledger is now.

    Raises:
        FlasherError: ``ledger-unusable``, ``state-unreadable``.
    """
    lines = whose.ledger.entries()
    cards = cards_in(lines, whose.name)
    keeper = Keeper(folder_of(whose.name))
    profile = whose.profile or _profile_of(cards)
    board = board_of(whose.name, cards.current.values(), now(), profile, cards.replaced)
    desk = Desk(keeper.board(board), cards, keeper.sequences(), keeper.turns(), whose.at_once)
    return RigSide(
        desk=RigDesk(desk, guard),
        keeper=keeper,
        history=History(whose.ledger),
        look=_watcher(whose),
        plans=PlanReader(shelf, whose.name, whose.key) if shelf and whose.key else None,
        running=Running(url, guard.token, authority, os.getpid()),
    )


class Ticker:
    """Looks at the clock for a rig: once a second what is shown, every few what is kept.

    Args:
        rig: whose.
        emit: is told what could not be read or kept.
    """

    def __init__(self, rig: RigSide, emit: Emit) -> None:
        self._rig, self._desk, self._emit = rig, rig.desk.desk, emit
        self._before = self._desk.board
        self._tasks: list[asyncio.Task[None]] = []
        self._last_trouble = ""

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
            await asyncio.sleep(_TICK_SECONDS)
            self._show()
            count += 1
            if count % _KEEP_EVERY == 0:
                await self._look()
                await self._keep()

    async def _follow(self, plans: PlanReader) -> None:
        while True:
            self._desk.follow(await plans.look())
            await asyncio.sleep(_TICK_SECONDS * _KEEP_EVERY)

    def _show(self) -> None:
        self._desk.later(now())
        self._rig.desk.viewers.show(self._desk.board.view())

    async def _look(self) -> None:
        """At the ledger."""
        with self._telling():
            if cards := await asyncio.to_thread(self._rig.look):
                self._desk.recognise(cards)
                self._rig.history.forget()

    async def _keep(self) -> None:
        before, after = self._before, self._desk.board
        points, memory = turns(before, after), self._rig.keeper.memory(self._desk)
        with self._telling():
            await asyncio.to_thread(self._rig.keeper.write, memory)
            await asyncio.to_thread(self._rig.history.add, points)
            self._before = after

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """The board goes on, whatever a full disk or a busy ledger says; it is told once."""
        words = ""
        try:
            yield
        except (FlasherError, OSError) as error:
            words = str(error)
            if words != self._last_trouble:
                self._emit(Noted(_SUBJECT, words, warning=True))
        self._last_trouble = words


def _watcher(whose: Whose) -> Callable[[], Cards | None]:
    """Looks whether the ledger has grown; SQLite writes to the log beside it first."""
    path = whose.ledger.path
    files = (path, path.with_name(f"{path.name}-wal"))
    seen: list[object] = [None]

    def look() -> Cards | None:
        marks = tuple(map(_mark, files))
        if marks == seen[0]:
            return None
        cards = cards_in(whose.ledger.entries(), whose.name)
        seen[0] = marks
        return cards

    return look


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _profile_of(cards: Cards) -> Profile | None:
    names = Counter(card.profile for card in cards.current.values())
    with suppress(BadInput):  # then the board shows the nodes in rows
        return load_profile(names.most_common(1)[0][0]) if names else None
    return None
