"""Servers in this process, on ports of their own; and an upstream that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from flasher.events import Emit, ignore
from flasher.fleet.server.door import Crowd
from flasher.fleet.server.mirror import Manners, Mirror
from flasher.fleet.server.run import Serving, listen, served
from flasher.fleet.server.shelf import Folder
from flasher.pages import LOOPBACK

MB = 10**6
METADATA = b'{"signatures": [], "signed": {"version": 1}}\n'


def blob_of(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f"blobs/{digest[:2]}/{digest}"


def put(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


@asynccontextmanager
async def serving(serving: Serving, emit: Emit = ignore) -> AsyncIterator[str]:
    """A server; gives its address."""
    with listen(LOOPBACK, 0) as listener:
        async with served(serving, listener, emit):
            scheme = "https" if serving.context else "http"
            yield f"{scheme}://{LOOPBACK}:{listener.getsockname()[1]}"


@asynccontextmanager
async def serving_folder(
    folder: Path, rate: float | None = None, crowd: Crowd | None = None
) -> AsyncIterator[str]:
    """A repository that is here; gives its address."""
    wanted = Serving(lambda: Folder(folder), bytes_per_second=rate, crowd=crowd or Crowd())
    async with serving(wanted) as url:
        yield f"{url}/repository"


@asynccontextmanager
async def mirroring(
    upstream: str,
    folder: Path,
    most: int = 100 * MB,
    manners: Manners | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """A repository that is elsewhere; gives the mirror's address."""
    wanted = Serving(lambda: Mirror(folder, upstream, most, context, manners))
    async with serving(wanted) as url:
        yield f"{url}/repository"


class Upstream:
    """Files over HTTP, each answered as its test wants it.

    Attributes:
        files: by name.
        asked: how often, by name.
        sent: bytes that answers began to send, by name.
        cut_at: names whose answers break off after so many bytes, once.
        cut_each: every answer breaks off after so many bytes, once for each that `cuts` lets.
        gate: answers wait at it before they break off, and with all but the first half of what
            they send.
        away: it answers 502.
        leads: names that it answers with another address for.
        refused: names that it answers 500 for.
        held: what is not there waits at it, and counts itself in `waiting`.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.cut_at: dict[str, int] = {}
        self.gate: asyncio.Event | None = None
        self.half_way = asyncio.Event()
        self.away = False
        self.cut_each, self.cuts = 0, asyncio.Semaphore(0)
        self.leads: dict[str, str] = {}
        self.refused: set[str] = set()
        self.held: asyncio.Event | None = None
        self.waiting = asyncio.Semaphore(0)

    def add(self, data: bytes) -> str:
        name = blob_of(data)
        self.files[name] = data
        return name

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.asked[name] += 1
        if self.away:
            return web.Response(status=502)
        if name in self.leads:
            return web.Response(status=302, headers={"Location": self.leads[name]})
        if name in self.refused:
            return web.Response(status=500)
        if name not in self.files:
            if self.held:
                self.waiting.release()
                await self.held.wait()
            return web.Response(status=404)
        data, start = self.files[name], request.http_range.start or 0
        status = 206 if start else 200
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(data) - start
        await response.prepare(request)
        await self._send(request, response, name, data[start:])
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, name: str, data: bytes
    ) -> None:
        if cut := self.cut_at.pop(name, 0):
            self.sent[name] += cut
            await response.write(data[:cut])
            if self.gate:
                await self.gate.wait()
            assert request.transport is not None
            request.transport.close()
            return
        if 0 < self.cut_each < len(data):
            await response.write(data[: self.cut_each])
            await self.cuts.acquire()
            assert request.transport is not None
            request.transport.close()
            return
        self.sent[name] += len(data)
        half = len(data) // 2
        await response.write(data[:half])
        self.half_way.set()
        if self.gate:
            await self.gate.wait()
        await response.write(data[half:])

    @asynccontextmanager
    async def served(self, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/{name:.+}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        with listen(LOOPBACK, 0) as listener:
            await web.SockSite(runner, listener, ssl_context=context).start()
            yield f"{'https' if context else 'http'}://{LOOPBACK}:{listener.getsockname()[1]}"
            await runner.cleanup()


async def get(url: str, **headers: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as answer:
        return answer.status, await answer.read()
