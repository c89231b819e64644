"""What is answered at which address: to nodes, to other mirrors, and to people with the token."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from autosetup.browse import REPOSITORY
from autosetup.envelope import LARGEST_ENVELOPE
from flasher import paths
from flasher.errors import BadInput
from flasher.fleet.board.walk import walked
from flasher.fleet.server.desk import Declined, Desk
from flasher.fleet.server.door import recognise
from flasher.fleet.server.downloads import Downloads
from flasher.fleet.server.events import Viewers
from flasher.fleet.server.guard import HEADERS, Guard, origins

_PAGE_FILE = re.compile(r"board\.(css|js|svg)")
_ENTER = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="0; url=/"><title>Flasher</title><a href="/">To the board</a>
"""
_COOKIE_SECONDS = 30 * 86_400
_BODY_SECONDS = 20.0


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def application(downloads: Downloads | None, rig: RigDesk | None = None) -> web.Application:
    """The server's application.

    Args:
        downloads: of the repository; None where none is served.
        rig: the board's side; None for a server that has the repository alone.
    """
    app = web.Application(client_max_size=LARGEST_ENVELOPE)
    if downloads:
        app.router.add_get(f"/{REPOSITORY}/{{name:.+}}", downloads.get)
    if rig:
        app.middlewares.append(rig.watch)
        app.router.add_post("/reports", rig.report)
        app.router.add_post("/turns", rig.turn)
        app.router.add_get("/board.json", rig.board)
        app.router.add_get("/events", rig.events, allow_head=False)
        app.router.add_post("/blink/{card_id}", rig.blink)
        app.router.add_post("/walk", rig.walk)
        app.router.add_get("/", rig.page)
        app.router.add_get(f"/{{name:{_PAGE_FILE.pattern}}}", rig.page_file)
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(rig.end)
    return app


class RigDesk:
    """The desk of a site, and the board for people, over HTTP.

    Args:
        desk: judges what comes.
        guard: judges who may look.
        clock: gives the time, UTC.
    """

    def __init__(self, desk: Desk, guard: Guard, clock: Callable[[], datetime] = now) -> None:
        self.desk, self.viewers = desk, Viewers(desk.board.view())
        self._guard, self._clock = guard, clock
        self._assets = paths.assets() / "web"
        self._port = min(guard.origins, default="").rpartition(":")[2]

    async def report(self, request: web.Request) -> web.Response:
        """``POST /reports``: a node's word."""
        return await self._heard(request, self.desk.report)

    async def turn(self, request: web.Request) -> web.Response:
        """``POST /turns``: whether a node may update now."""
        return await self._heard(request, self.desk.turn)

    async def board(self, _request: web.Request) -> web.Response:
        """``GET /board.json``: the board as it is now."""
        return web.json_response(self.desk.board.to_json())

    async def events(self, request: web.Request) -> web.StreamResponse:
        """``GET /events``: the board, and what becomes of it."""
        return await self.viewers.follow(request)

    async def blink(self, request: web.Request) -> web.Response:
        """``POST /blink/CARD``: have a node show where it is."""
        if not self.desk.blink(request.match_info["card_id"], self._clock()):
            raise web.HTTPNotFound(text="No node has this card.\n")
        return web.json_response({"asked": True})

    async def walk(self, request: web.Request) -> web.Response:
        """``POST /walk``: where somebody walks that has nodes blink, and what comes of it."""
        try:
            return web.json_response(walked(self.desk.board.view(), await _body(request)))
        except BadInput as error:
            raise web.HTTPBadRequest(text=f"{error} {error.hint}\n") from None

    async def page(self, request: web.Request) -> web.StreamResponse:
        """``GET /``: the board in a browser; the token in the address becomes a cookie."""
        if self._guard.takes(request.query.get("token", "")):
            # The page goes on by itself: only so the next request is its own.
            response = web.Response(text=_ENTER, content_type="text/html")
            response.set_cookie(
                self._cookie,
                self._guard.cookie,
                max_age=_COOKIE_SECONDS,
                httponly=True,
                samesite="Strict",
                secure=request.secure,
            )
            return response
        return web.FileResponse(self._assets / "board.html")

    async def page_file(self, request: web.Request) -> web.StreamResponse:
        """What the page is made of."""
        path = self._assets / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def end(self, _app: web.Application) -> None:
        """Nobody looks any more."""
        self.viewers.close()

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nodes sign what they say and what they fetch; people show the token."""
        if not _is_for_nodes(request):
            if why := self._objection(request):
                return web.Response(text=f"{why}\n", status=403)
            recognise()
        return await handler(request)

    def _objection(self, request: web.Request) -> str | None:
        here = _here(request)
        if request.path == "/":
            if self._guard.takes(request.query.get("token", "")):
                return self._guard.complaint(request.headers, here)
        elif self._guard.foreign(request.headers):
            return "Pages of others may not speak with Flasher."
        return self._guard.objection(request.headers, request.cookies.get(self._cookie), here)

    @property
    def _cookie(self) -> str:
        """Of its own for each port: browsers keep cookies by host alone."""
        return f"flasher-board-{self._port}"

    async def _heard(
        self, request: web.Request, judge: Callable[[bytes, str, datetime], dict[str, object]]
    ) -> web.Response:
        raw = await _body(request)
        try:
            answer = judge(raw, request.remote or "", self._clock())
        except Declined as declined:
            return web.Response(text=f"{declined}\n", status=declined.status)
        recognise()
        return web.json_response(answer)


def _here(request: web.Request) -> str:
    """The origin of this end of the connection; empty where it has ended."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return next(iter(origins([name[0]], name[1], tls=request.secure))) if name else ""


async def _body(request: web.Request) -> bytes:
    """What a node sends, which is short: it comes soon and whole, or not at all."""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="This comes too slowly.\n") from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest(text="This breaks off.\n") from None


def _is_for_nodes(request: web.Request) -> bool:
    return request.path in ("/reports", "/turns") or request.path.startswith(f"/{REPOSITORY}/")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if not _is_for_nodes(request):
        response.headers.update(HEADERS)
