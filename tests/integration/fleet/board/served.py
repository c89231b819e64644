"""A board as `flasher serve` gives it to people, with nodes that say what a test has them say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from flasher.fleet.board.feed import Reach
from flasher.fleet.board.model import Board
from flasher.fleet.server.app import RigDesk, application
from flasher.fleet.server.desk import Cards, Desk
from flasher.fleet.server.guard import Guard, origins
from flasher.fleet.server.run import listen
from flasher.pages import LOOPBACK
from flasher.rig.assignments import Assignment


@dataclass(frozen=True, slots=True)
class Served:
    """A server in this process."""

    rig: RigDesk
    guard: Guard
    url: str

    @property
    def entrance(self) -> str:
        return f"{self.url}/?token={self.guard.token}"

    @property
    def reach(self) -> Reach:
        return Reach(self.url, self.guard.token)

    @property
    def board(self) -> Board:
        return self.rig.desk.board

    def tell(self, board: Board) -> None:
        """Have everybody who looks see this."""
        self.rig.desk.board = board
        self.rig.viewers.show(board.view())


@asynccontextmanager
async def serving(board: Board, *, events: bool = True) -> AsyncIterator[Served]:
    """Serve a board; without events, as where something on the way holds them back."""
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
        guard = Guard(origins([LOOPBACK], port, tls=False))
        desk = Desk(board, _cards(board))
        rig = RigDesk(desk, guard, lambda: desk.board.now)
        app = application(None, rig)
        if not events:
            app.middlewares.append(_without_events)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        try:
            yield Served(rig, guard, f"http://{LOOPBACK}:{port}")
        finally:
            await runner.cleanup()


@web.middleware
async def _without_events(request: web.Request, handler: object) -> web.StreamResponse:
    if request.path == "/events":
        raise web.HTTPServiceUnavailable
    return await handler(request)  # type: ignore[operator, no-any-return]


def _cards(board: Board) -> Cards:
    current = {
        card.card_id: Assignment(card.card_id, name, "", "", "", board.site, card.wanted, "", "")
        for name, card in board.cards.items()
    }
    return Cards(current, {})
