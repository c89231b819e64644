"""Serves the wizard on loopback: textual-serve behind a guard."""

from __future__ import annotations

import asyncio
import socket
from string import Template

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server, to_int

from flasher import paths
from flasher.errors import EnvironmentLacks
from flasher.pages import LOOPBACK
from flasher.tui import browser_words as say
from flasher.web.guard import HEADERS, Guard
from flasher.web.session import Session

# A page that is loaded anew asks for its session a moment before the old one has ended.
_HANDOVER_SECONDS = 15.0
_UPDATE_SECONDS = 1.0


def listen(port: int) -> socket.socket:
    """Listen on loopback.

    Args:
        port: 0 for any that is free.

    Raises:
        EnvironmentLacks: ``port-taken``.
    """
    try:
        return socket.create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        raise EnvironmentLacks(
            "port-taken",
            f"Port {port} of this computer cannot be served: {str(error).strip('.')}.",
            "Leave --port out: then any is taken that is free.",
        ) from error


class WizardServer(Server):
    """One wizard for one browser.

    Args:
        guard: judges all that comes.
        command: the shell's line that starts a wizard.
    """

    def __init__(self, guard: Guard, command: str) -> None:
        self._assets = paths.assets() / "web"
        super().__init__(
            command, LOOPBACK, guard.port, "Flasher", guard.origin, templates_path=self._assets
        )
        self._guard = guard
        self._free = asyncio.Semaphore(1)
        self._open: web.WebSocketResponse | None = None

    async def application(self) -> web.Application:
        """The application of the server."""
        app = await self._make_app()
        app.router.add_get("/enter", self._enter, allow_head=False)
        app.router.add_static("/own", self._assets)
        app.middlewares.append(self._watch)
        app.on_response_prepare.append(_add_headers)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Whoever started us tells the address."""

    async def on_shutdown(self, _app: web.Application) -> None:
        """The page ends, and with it the wizard."""
        await self._close()

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page with the wizard; where another has it, that is told."""
        if not await self._is_free():
            return self._page(say.ELSEWHERE, say.CLOSE_THE_OTHER, status=409)
        size = to_int(request.query.get("fontsize", "16"), 16)
        words = {"ended": say.ENDED, "go_on": say.GO_ON, "again": say.OPEN_AGAIN}
        words["starting"] = say.STARTING
        return self._filled("wizard.html", port=str(self.port), size=str(size), **words)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Keys to the wizard and its screen back, until one of them goes."""
        if not await self._is_free():
            raise web.HTTPConflict(text=say.ELSEWHERE)
        async with self._free:
            websocket = self._open = web.WebSocketResponse(heartbeat=15)
            await websocket.prepare(request)
            session = Session(
                self.command,
                write_bytes=websocket.send_bytes,
                write_str=websocket.send_str,
                close=self._close,
                download_manager=self.download_manager,
            )
            try:
                await session.start(*_terminal_size(request))
                await self._process_messages(websocket, session)
            except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
                await websocket.close(message=b"That was no message of Flasher's page.")
            finally:
                self._open = None
                await session.stop()
        return websocket

    async def _enter(self, request: web.Request) -> web.Response:
        """The token for a cookie. The page goes on by itself: only so is it its own origin."""
        if not self._guard.takes(request.query.get("token", "")):
            return self._page(say.CLOSED, say.USED, status=403)
        response = self._filled("enter.html", to=say.TO_THE_WIZARD)
        response.set_cookie(
            self._guard.cookie_name, self._guard.cookie, httponly=True, samesite="Strict"
        )
        return response

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nothing pass that the guard objects to, and nobody without the cookie."""
        to_enter = request.path == "/enter"
        words = self._guard.objection(request.headers, to_enter=to_enter)
        if words is None and not to_enter and not self._guard.knows(self._cookie_of(request)):
            words = say.NOT_LET_IN
        if words is not None:
            return self._page(say.NO_ENTRY, words, status=403)
        return await handler(request)

    def _cookie_of(self, request: web.Request) -> str | None:
        return request.cookies.get(self._guard.cookie_name)

    async def _close(self) -> None:
        if self._open is not None:
            await self._open.close()

    async def _is_free(self) -> bool:
        """Whether no wizard runs; one whose page is gone has a moment to end."""
        waited = 0.0
        while self._free.locked() and waited < _HANDOVER_SECONDS:
            if self._open is not None and not self._open.closed and waited >= _UPDATE_SECONDS:
                return False
            await asyncio.sleep(0.05)
            waited += 0.05
        return not self._free.locked()

    def _page(self, title: str, words: str, *, status: int) -> web.Response:
        response = self._filled("words.html", title=title, words=words)
        response.set_status(status)
        return response

    def _filled(self, name: str, **values: str) -> web.Response:
        text = Template((self._assets / name).read_text()).substitute(values)
        return web.Response(text=text, content_type="text/html")


def _terminal_size(request: web.Request) -> tuple[int, int]:
    """Columns and lines that the page asks for."""
    width, height = (to_int(request.query.get(name, ""), 0) for name in ("width", "height"))
    return (width if 0 < width < 1000 else 80, height if 0 < height < 1000 else 24)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
