"""How a screen learns of the board: from the server that serves it, over HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flasher.errors import BadInput, EnvironmentLacks, FlasherError
from flasher.fleet.board.news import updated
from flasher.fleet.board.view import BoardView, board_from, read_board

if TYPE_CHECKING:
    import aiohttp

_PATIENCE_SECONDS = 10.0
# The server says something at least this often, if only that it is there.
_SILENCE_SECONDS = 45.0
_AGAIN_SECONDS = (1.0, 2.0, 5.0)
# Of one event: a rig of thousands of nodes.
_LARGEST = 16 << 20
_START_IT = "Start it: flasher serve"
# What OpenSSL makes of an answer without TLS; newer ones say the second.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")


class BoardFeed(Protocol):
    """What a screen needs of a server."""

    def follow(self) -> AsyncIterator[BoardView | FlasherError]:
        """The board at once, and whenever it changed; an error where contact was lost for now."""

    async def blink(self, card_id: str) -> None:
        """Have a node blink; raises `FlasherError`."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How a server is reached.

    Attributes:
        url: base address of the server.
        token: that lets people in; never shown.
        authority: certificate of the site's own authority, PEM; empty for the system's.
    """

    url: str
    token: str
    authority: str = ""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise BadInput(
                "bad-url",
                f"{self.url!r} is no address of a server.",
                "It begins with http:// or https://; `flasher serve` prints it.",
            )


class ServedBoard:
    """The board of a server that runs somewhere.

    Args:
        reach: where it is.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._base = reach.url.rstrip("/")

    async def once(self) -> BoardView:
        """The board as it is now; raises `FlasherError`."""
        import aiohttp

        try:
            async with (
                self._session() as session,
                session.get(f"{self._base}/board.json") as answer,
            ):
                _check(answer, self._base)
                return read_board(await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _no_contact(self._base, error) from error

    async def follow(self) -> AsyncIterator[BoardView | FlasherError]:
        """As `BoardFeed.follow`; tries again for as long as somebody listens."""
        failures = 0
        while True:
            try:
                async for view in self._events():
                    failures = 0
                    yield view
                yield _no_contact(self._base, "it closed the connection")
            except FlasherError as error:
                yield error
            await asyncio.sleep(_AGAIN_SECONDS[min(failures, len(_AGAIN_SECONDS) - 1)])
            failures += 1

    async def blink(self, card_id: str) -> None:
        """As `BoardFeed.blink`."""
        import aiohttp

        try:
            async with (
                self._session() as session,
                session.post(f"{self._base}/blink/{card_id}") as answer,
            ):
                _check(answer, self._base)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _no_contact(self._base, error) from error

    async def _events(self) -> AsyncIterator[BoardView]:
        import aiohttp

        silence = aiohttp.ClientTimeout(sock_connect=_PATIENCE_SECONDS, sock_read=_SILENCE_SECONDS)
        view: BoardView | None = None
        try:
            async with (
                self._session() as session,
                session.get(f"{self._base}/events", timeout=silence) as answer,
            ):
                _check(answer, self._base)
                async for text in _told(answer.content):
                    view = _next(view, text)
                    yield view
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _no_contact(self._base, error) from error

    def _session(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=_context(self._reach), force_close=True),
            headers={"Authorization": f"Bearer {self._reach.token}"},
            timeout=aiohttp.ClientTimeout(total=_PATIENCE_SECONDS),
            trust_env=False,
        )


def _context(reach: Reach) -> ssl.SSLContext:
    if not reach.authority:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=reach.authority)
    except (ssl.SSLError, ValueError) as error:
        raise BadInput(
            "bad-authority",
            f"The certificate of the site's authority cannot be read: {error}.",
            "Give the file that `flasher serve` names.",
        ) from error


async def _told(content: aiohttp.StreamReader) -> AsyncIterator[str]:
    """The data of each event of a stream of server-sent events (WHATWG HTML, section 9.2)."""
    waiting = b""
    async for piece in content.iter_any():
        *events, waiting = (waiting + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for event in events:
            lines = [line for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(line[5:].strip() for line in lines).decode(errors="replace")
        if len(waiting) > _LARGEST:
            raise FlasherError(
                "not-a-board", "The server sends without end.", "Check the address of the server."
            )


def _next(view: BoardView | None, text: str) -> BoardView:
    try:
        news = json.loads(text)
        return board_from(news) if view is None else updated(view, news)
    except (ValueError, KeyError, TypeError, AttributeError):
        return read_board(text)  # tells what is wrong


def _check(answer: aiohttp.ClientResponse, base: str) -> None:
    if answer.status in (401, 403):
        raise FlasherError(
            "not-let-in",
            f"The server at {base} does not know this token.",
            "Take the one that `flasher serve` shows now: each start makes a new one.",
        )
    if answer.status == 404:
        raise FlasherError(
            "not-found",
            f"The server at {base} knows no such node or page: {answer.reason}.",
            "Check the address; `flasher serve` prints it.",
        )
    if answer.status >= 400:
        raise FlasherError(
            "server-refused",
            f"The server at {base} answered {answer.status} {answer.reason}.",
            "Look at what `flasher serve` prints where it runs.",
        )


def _no_contact(base: str, why: object) -> EnvironmentLacks:
    if "CERTIFICATE_VERIFY_FAILED" in str(why):
        return EnvironmentLacks(
            "unknown-authority",
            f"The server at {base} shows a certificate that nobody known vouches for.",
            "Name its site with --site, or give the site's certificate with --authority.",
        )
    if any(word in str(why) for word in _NO_TLS):
        plain = base.replace("https://", "http://", 1)
        what = f"The server at {base} speaks http, not https."
        return EnvironmentLacks("speaks-http", what, f"Reach it so: --url {plain}")
    words = str(why).strip(". ") or type(why).__name__
    return EnvironmentLacks("no-board", f"No board answers at {base}: {words}.", _START_IT)
