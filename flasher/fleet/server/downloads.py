"""A repository over HTTP: whole files and parts of them, asked for anew only if they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import ETag, hdrs, web

from flasher.fleet.server.limits import Throttle
from flasher.fleet.server.shelf import Away, Served, Shelf, Torn, is_lasting, is_name
from flasher.fleet.server.source import LOOP, marks_in

_CHUNK = 256 << 10
# What is asked for again and again must not be taken from anybody's memory.
_LASTS, _CHANGES = "public, max-age=31536000, immutable", "no-cache"
_AGAIN_SECONDS = "10"
# Who takes nothing for so long is gone, or wants to hold a place.
_STALLED_SECONDS = 120.0


class Downloads:
    """Answers ``GET /repository/…``.

    Args:
        shelf: has the files.
        throttle: all downloads go through it together.
    """

    def __init__(self, shelf: Shelf, throttle: Throttle) -> None:
        self._shelf, self._throttle = shelf, throttle

    async def get(self, request: web.Request) -> web.StreamResponse:
        """A file, a part of it, or why not."""
        name = request.match_info["name"]
        if not is_name(name):
            raise web.HTTPNotFound(text="There is no such file in a repository.\n")
        via = marks_in(request.headers.getall(LOOP, ()))
        if self._shelf.mark and self._shelf.mark in via:
            text = "This mirror's source leads back to it: give another --upstream.\n"
            raise web.HTTPServiceUnavailable(text=text)
        try:
            served = await self._shelf.open(name, request.remote or "", via)
        except Away:
            text = "What this mirror mirrors does not answer.\n"
            again = {hdrs.RETRY_AFTER: _AGAIN_SECONDS}
            raise web.HTTPServiceUnavailable(text=text, headers=again) from None
        if served is None:
            raise web.HTTPNotFound(text="This repository has no such file.\n")
        try:
            return await self._send(request, served, is_lasting(name))
        finally:
            served.close()

    async def _send(
        self, request: web.Request, served: Served, lasting: bool
    ) -> web.StreamResponse:
        headers = {
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.CACHE_CONTROL: _LASTS if lasting else _CHANGES,
            hdrs.ETAG: f'"{served.tag}"',
            "X-Content-Type-Options": "nosniff",
        }
        if _knows(request.if_none_match, served.tag):
            return web.Response(status=304, headers=headers)
        part = _part(request, served)
        if part is None:
            headers[hdrs.CONTENT_RANGE] = f"bytes */{served.size}"
            return web.Response(status=416, headers=headers)
        start, end = part
        is_part = (start, end) != (0, served.size)
        if is_part:
            headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{served.size}"
        response = web.StreamResponse(status=206 if is_part else 200, headers=headers)
        response.content_type = "application/octet-stream"
        response.content_length = end - start
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await self._pour(request, response, served, start, end)
        return response

    async def _pour(
        self,
        request: web.Request,
        response: web.StreamResponse,
        served: Served,
        start: int,
        end: int,
    ) -> None:
        try:
            while start < end:
                piece = await served.read(start, min(_CHUNK, end - start))
                await self._throttle.pass_on(len(piece))
                async with asyncio.timeout(_STALLED_SECONDS):
                    await response.write(piece)
                start += len(piece)
        except (Torn, Away, TimeoutError):
            # Whoever gets less than was promised sees that it is not all.
            if request.transport is not None:
                request.transport.abort()
        with suppress(ConnectionError):
            await response.write_eof()


def _knows(tags: Sequence[ETag] | None, tag: str) -> bool:
    return any(each.value in (tag, "*") for each in tags or ())


def _part(request: web.Request, served: Served) -> tuple[int, int] | None:
    """First byte, and the one after the last; None where the file has nothing of what is asked.

    What is no single range, or of another file than is there now, gets the whole (RFC 9110, 14.2).
    """
    whole = 0, served.size
    wanted = request.headers.get(hdrs.IF_RANGE)
    if hdrs.RANGE not in request.headers or (wanted and wanted.strip('"') != served.tag):
        return whole
    try:
        asked = request.http_range
    except ValueError:
        return whole
    if asked.start is None and asked.stop is None:
        return whole
    if asked.start is not None and asked.start < 0:
        return max(0, served.size + asked.start), served.size
    start = asked.start or 0
    end = served.size if asked.stop is None else min(asked.stop, served.size)
    return (start, end) if start < end else None
