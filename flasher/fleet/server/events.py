"""The board told to whoever looks at it: whole at first, then what changed (server-sent events)."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from flasher.fleet.board.news import changes
from flasher.fleet.board.view import BoardView

MOST_VIEWERS = 64
# Whoever is so far behind asks anew.
_MOST_BEHIND = 30
_SILENCE_SECONDS = 15.0
_STALLED_SECONDS = 60.0
_STILL_HERE = b": still here\n\n"
_END = b""


class Viewers:
    """All who look at a board.

    Args:
        view: what is shown at first.
    """

    def __init__(self, view: BoardView) -> None:
        self.view = view
        self._waiting: set[asyncio.Queue[bytes]] = set()

    def show(self, view: BoardView) -> None:
        """Tell all what has changed; encoded once, however many look."""
        news = changes(self.view, view) if self._waiting else None
        self.view = view
        if news is None:
            return
        raw = _event(news)
        for queue in tuple(self._waiting):
            if queue.full():
                self._drop(queue)
            else:
                queue.put_nowait(raw)

    def close(self) -> None:
        """Let all go."""
        for queue in tuple(self._waiting):
            self._drop(queue)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Answer with events until either side goes."""
        if len(self._waiting) >= MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text="Too many look at the board already.\n")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        queue: asyncio.Queue[bytes] = asyncio.Queue(_MOST_BEHIND)
        queue.put_nowait(_event(self.view.to_json()))
        self._waiting.add(queue)
        try:
            await response.prepare(request)
            while raw := await _next(queue):
                async with asyncio.timeout(_STALLED_SECONDS):
                    await response.write(raw)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()  # the viewer is gone
        finally:
            self._waiting.discard(queue)
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    def _drop(self, queue: asyncio.Queue[bytes]) -> None:
        self._waiting.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(_END)


async def _next(queue: asyncio.Queue[bytes]) -> bytes:
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            return await queue.get()
    except TimeoutError:
        return _STILL_HERE


def _event(content: object) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
