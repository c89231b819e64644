"""The wizard as it is served to a browser, in practice."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import psutil
from aiohttp import web

from flasher.process import leashed
from flasher.web.guard import Guard
from flasher.web.server import WizardServer, listen

WIZARD = [sys.executable, "-m", "flasher", "--practice"]
# A part of the first screen, of its help, and of nothing else.
SCANNER, HELP = "body-16x7", "Everywhere"


@dataclass(frozen=True, slots=True)
class Served:
    """`entrance` is the address with the token; `server` the number of the process that serves."""

    entrance: str
    server: int

    @property
    def origin(self) -> str:
        return self.entrance.split("/enter")[0]

    @property
    def port(self) -> int:
        return int(self.origin.rsplit(":", 1)[1])

    def wizards(self) -> list[psutil.Process]:
        children = psutil.Process(self.server).children()
        return [child for child in children if child.cmdline()[-len(WIZARD) :] == WIZARD]


@asynccontextmanager
async def served_here() -> AsyncIterator[Served]:
    """By this process; the wizards are processes of their own all the same."""
    with listen(0) as listener:
        guard = Guard(listener.getsockname()[1])
        server = WizardServer(guard, "exec " + shlex.join(leashed(WIZARD)))
        runner = web.AppRunner(await server.application(), shutdown_timeout=15)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield Served(guard.entrance, os.getpid())
        await runner.cleanup()


@contextmanager
def served() -> Iterator[Served]:
    """By the program itself, as people start it."""
    ours = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    with subprocess.Popen(
        [*WIZARD, "--web"], stdout=subprocess.PIPE, text=True, env=ours
    ) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        address = re.search(r"http://\S+", told)
        assert address, told
        try:
            yield Served(address[0], process.pid)
        finally:
            process.terminate()


async def enter(client: aiohttp.ClientSession, place: Served) -> None:
    async with client.get(place.entrance) as answer:
        assert answer.status == 200


async def until_shown(websocket: aiohttp.ClientWebSocketResponse, words: str) -> None:
    """Reads the wizard's screen until it has shown some words."""
    shown = b""
    while words.encode() not in shown:
        message = await websocket.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.BINARY, message
        shown += message.data
