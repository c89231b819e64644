"""A server from its first answer to its last."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import resource
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

from flasher.errors import EnvironmentLacks
from flasher.events import Emit
from flasher.fleet.server import PORT
from flasher.fleet.server.app import application
from flasher.fleet.server.complaints import Complaints
from flasher.fleet.server.door import MOST, Crowd, Door
from flasher.fleet.server.downloads import Downloads
from flasher.fleet.server.limits import throttle
from flasher.fleet.server.rig_side import RigSide
from flasher.fleet.server.shelf import Shelf
from flasher.fleet.server.ticker import Ticker
from flasher.fleet.server.whereabouts import Whereabouts, followed

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware  # which aiohttp 3.8 of Debian 12 has not

_END_SECONDS = 1.0
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and how.

    Attributes:
        shelf: makes the repository's shelf, in the loop; None serves none.
        rig: None for the repository alone.
        context: for TLS.
        whereabouts: where others find it, followed for as long as it runs; None for a server of
            this computer alone.
        bytes_per_second: of all downloads together; None for no limit.
        crowd: how many may be connected.
    """

    shelf: Callable[[], Shelf] | None
    rig: Callable[[Shelf | None], RigSide] | None = None
    context: ssl.SSLContext | None = None
    whereabouts: Whereabouts | None = None
    bytes_per_second: float | None = None
    crowd: Crowd = field(default_factory=Crowd)


def listen(address: str, port: int) -> socket.socket:
    """Listen; nothing is answered yet.

    Args:
        address: of an interface; ``0.0.0.0`` for all of them.
        port: up to 65535; 0 for any that is free.

    Raises:
        EnvironmentLacks: ``port-taken``, ``port-not-allowed``, ``address-unknown``.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        ipaddress.ip_address(address)
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except ValueError as error:
        raise _not_ours(address) from error
    except OSError as error:
        raise _cannot_listen(address, port, error) from error


def _cannot_listen(address: str, port: int, error: OSError) -> EnvironmentLacks:
    match error.errno:
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return _not_ours(address)
        case errno.EACCES:
            what = f"Port {port} is for root alone."
            hint = f"Choose one from 1024 on; without --port it is {PORT}."
            return EnvironmentLacks("port-not-allowed", what, hint)
    words = (os.strerror(error.errno) if error.errno else str(error)).lower()
    return EnvironmentLacks(
        "port-taken",
        f"Port {port} of {address} cannot be served: {words}.",
        "If no other `flasher serve` runs, choose another: --port 0 takes any that is free.",
    )


def _not_ours(address: str) -> EnvironmentLacks:
    return EnvironmentLacks(
        "address-unknown",
        f"{address!r} is no address of this computer.",
        "Give one that `ip address` shows, such as 192.168.7.10.",
    )


def serve(serving: Serving, listener: socket.socket, ready: Callable[[], None], emit: Emit) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; `ready` is called when all is answered."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        async with served(serving, listener, emit):
            ready()
            await stop.wait()

    _allow_files()
    with asyncio.Runner() as runner:
        runner.run(main())


def _allow_files() -> None:
    """Let as many in as the door does: each has a connection, and a file that it fetches."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(4 * MOST, hard) if hard != resource.RLIM_INFINITY else 4 * MOST
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@asynccontextmanager
async def served(
    serving: Serving, listener: socket.socket, emit: Emit
) -> AsyncIterator[RigSide | None]:
    """A server for as long as the block runs.

    Raises:
        FlasherError: what the parts say.
    """
    async with AsyncExitStack() as stack:
        shelf = serving.shelf() if serving.shelf else None
        if shelf:
            stack.push_async_callback(shelf.close)
        rig = serving.rig(shelf) if serving.rig else None
        downloads = Downloads(shelf, throttle(serving.bytes_per_second)) if shelf else None
        if rig:
            ticker = Ticker(rig, emit)
            await ticker.begin()
            stack.push_async_callback(ticker.end)
        app = application(downloads, rig.desk if rig else None)
        await stack.enter_async_context(_answering(app, serving, listener, emit))
        if serving.whereabouts:
            await stack.enter_async_context(followed(serving.whereabouts, emit))
        if rig:
            rig.keeper.announce(rig.running)
            stack.callback(rig.keeper.withdraw)
        yield rig


@asynccontextmanager
async def _answering(
    app: web.Application, serving: Serving, listener: socket.socket, emit: Emit
) -> AsyncIterator[None]:
    """Have an application answer for as long as the block runs."""
    complaints = Complaints(emit)
    # Nodes send nothing packed, and strangers shall not have us unpack.
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=complaints.logger,
        shutdown_timeout=_END_SECONDS,
        keepalive_timeout=serving.crowd.idle_seconds,
        auto_decompress=False,
    )

    def make() -> asyncio.BaseProtocol:
        assert runner.server is not None
        return runner.server()

    door = Door(make, serving.context, serving.crowd)
    app.middlewares.insert(0, _noticed_by(door))
    with complaints.of_loop():
        await runner.setup()
        try:
            loop = asyncio.get_running_loop()
            server = await loop.create_server(door, sock=listener, backlog=_BACKLOG)
            try:
                yield
            finally:
                # Nobody new comes in while the others are let go.
                server.close()
                door.close()
        finally:
            await runner.cleanup()


def _noticed_by(door: Door) -> Middleware:
    @web.middleware
    async def notice(request: web.Request, handler: Handler) -> web.StreamResponse:
        with door.answering(request.protocol):
            return await handler(request)

    return notice
