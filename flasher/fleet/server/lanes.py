"""Who is fetched for next: so many files come at once, and each asker has its turn.

Whoever asks for very many files waits for them alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from flasher.fleet.server.shelf import Away


@dataclass(slots=True)
class Lanes:
    """Gives turns; used in one event loop.

    Attributes:
        most: files that come at once.
        of_one: of these, for one asker.
        waiting: files that one asker may have waiting.
    """

    most: int = 32
    of_one: int = 8
    waiting: int = 64
    _busy: Counter[str] = field(default_factory=Counter)
    _queues: OrderedDict[str, deque[asyncio.Future[str]]] = field(default_factory=OrderedDict)

    def turn(self, asker: str) -> asyncio.Future[str]:
        """The turn of a file: done when it has come, with whom `leave` is to be told.

        Raises:
            Away: too much waits for this asker already.
        """
        turn: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if not self._stands(asker, turn):
            raise Away
        self._go_on()
        return turn

    def join(self, asker: str, turn: asyncio.Future[str]) -> None:
        """Another one asks for the same file: it comes as soon as either has its turn."""
        if not turn.done():
            self._stands(asker, turn)
            self._go_on()

    def leave(self, asker: str) -> None:
        """A file has come, or will not."""
        self._busy[asker] -= 1
        if not self._busy[asker]:
            del self._busy[asker]
        self._go_on()

    def _stands(self, asker: str, turn: asyncio.Future[str]) -> bool:
        """Whether there was room for it in the asker's queue."""
        queue = self._queues.setdefault(asker, deque())
        while queue and queue[0].done():
            queue.popleft()
        has_room = len(queue) < self.waiting
        if has_room:
            queue.append(turn)
        return has_room

    def _go_on(self) -> None:
        while self._busy.total() < self.most and (asker := self._next()) is not None:
            queue = self._queues[asker]
            turn = queue.popleft()
            self._queues.move_to_end(asker)
            if not queue:
                del self._queues[asker]
            if not turn.done():
                self._busy[asker] += 1
                turn.set_result(asker)

    def _next(self) -> str | None:
        """Who waits, has room, and had a turn longest ago."""
        return next((each for each in self._queues if self._busy[each] < self.of_one), None)
