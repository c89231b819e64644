"""Where a mirror has its files from: another repository, over HTTP."""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
from collections.abc import Iterable
from urllib.parse import quote

import aiohttp

from autosetup.browse import REPOSITORY
from flasher.fleet.release.names import TIMESTAMP, digest_in
from flasher.fleet.server.asking import Asking, Forbidden
from flasher.fleet.server.flight import Flight, NotThere
from flasher.fleet.server.shelf import Away, Torn

_CHUNK = 256 << 10
# Tries that bring less than this count as none that got on.
_GETTING_ON = 64 << 10
_MOST_IN_VAIN, _PAUSE_SECONDS = 3, 0.5
_MISSING = frozenset({403, 404, 410})
# Whoever finds itself here asks itself (RFC 8586).
LOOP = "CDN-Loop"
# No marks of others go further: what anybody may say must not have the source refuse.
_MARK, _MOST_MARKS = re.compile(r"flasher-[0-9a-f]{16}"), 16


def a_mark() -> str:
    """What a mirror calls itself."""
    return f"flasher-{secrets.token_hex(8)}"


def marks_in(told: Iterable[str]) -> str:
    """Which mirrors a request came through, by its lines of `LOOP`."""
    return ", ".join(_MARK.findall(", ".join(told))[:_MOST_MARKS])


class Refused(Away):
    """It answers, but has neither the file nor says that there is none."""


class Source:
    """A repository at an address; made and used in one event loop.

    Args:
        url: of the repository, or of the server that has it: people, and nodes, know either.
        mark: by which a mirror knows what it asked itself.
        context: whom to trust, with https; None for the system's authorities.
    """

    def __init__(self, url: str, mark: str, context: ssl.SSLContext | None = None) -> None:
        url = url.rstrip("/")
        self._told: tuple[str, ...] = (url, f"{url}/{REPOSITORY}")
        self._places: tuple[str, ...] = self._told
        self._mark, self._asking = mark, Asking(url, context)

    async def fetch(self, name: str, flight: Flight) -> None:
        """Have all of a file, from where it broke off, for as long as tries bring more of it.

        Raises:
            NotThere, Refused, TimeoutError, aiohttp.ClientError: what it says, or does not.
            Torn, OSError: see `Flight.take`.
        """
        in_vain = 0
        while True:
            before = flight.done
            try:
                answer, flight.place = await self._ask(name, flight.via, flight.done)
                async with answer:
                    if flight.done == 0:
                        flight.begin(answer.content_length)
                    async for piece in answer.content.iter_chunked(_CHUNK):
                        await flight.take(piece)
                    return
            except (TimeoutError, aiohttp.ClientError):
                in_vain = 0 if flight.done - before >= _GETTING_ON else in_vain + 1
                if in_vain == _MOST_IN_VAIN:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)

    async def passing(self, name: str, via: str) -> Passing:
        """A file that is handed through; see `Shelf.open`. Raises `NotThere`, `Away`."""
        try:
            answer, _ = await self._ask(name, via)
        except (TimeoutError, aiohttp.ClientError):
            raise Away from None
        if answer.content_length is None:
            answer.close()
            raise Away
        return Passing(answer, answer.content_length, digest_in(name) or secrets.token_hex(8))

    def settle(self, place: str) -> None:
        """What came from a place was right: the other one is asked no more."""
        self._places = (place,)

    def doubt(self, name: str, place: str) -> None:
        """This file from there was none of a repository: the other one is asked before it.

        Where it was right once, its timestamp alone says that it is so no more.
        """
        if name == TIMESTAMP or len(self._places) > 1:
            self._places = tuple(sorted(self._told, key=lambda each: each == place))

    async def _ask(
        self, name: str, via: str, offset: int = 0
    ) -> tuple[aiohttp.ClientResponse, str]:
        """A file from an offset on, and the place that has it; raises as `fetch`."""
        refused: Refused | None = None
        for place in self._places:
            try:
                return await self._ask_at(f"{place}/{quote(name)}", via, offset), place
            except NotThere:
                continue
            except Refused as error:
                refused = error
        if name == TIMESTAMP:  # by now it may lie at the other place
            self._places = self._told
        raise refused or NotThere

    async def _ask_at(self, url: str, via: str, offset: int) -> aiohttp.ClientResponse:
        marks = f"{via}, {self._mark}" if via else self._mark
        headers = {"Accept-Encoding": "identity", "User-Agent": "flasher", LOOP: marks}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            answer = await self._asking.get(url, headers)
        except Forbidden:
            raise Refused from None
        told = answer.headers.get("Content-Range", "")
        is_right = answer.status == (206 if offset else 200)
        if is_right and (not offset or told.startswith(f"bytes {offset}-")):
            return answer
        answer.close()
        raise NotThere if answer.status in _MISSING else Refused

    async def close(self) -> None:
        """Nothing is asked any more."""
        await self._asking.close()


class Passing:
    """An answer that is handed through; see `Served`."""

    def __init__(self, answer: aiohttp.ClientResponse, size: int, tag: str) -> None:
        self.size, self.tag = size, tag
        self._answer, self._at, self._rest = answer, 0, b""

    async def read(self, offset: int, most: int) -> bytes:
        """Forward only: what comes before an offset is passed over."""
        while self._at + len(self._rest) <= offset:
            self._at += len(self._rest)
            try:
                self._rest = await self._answer.content.readany()
            except (TimeoutError, aiohttp.ClientError):
                raise Torn from None
            if not self._rest:
                raise Torn
        piece = self._rest[offset - self._at :][:most]
        self._rest = self._rest[offset - self._at + len(piece) :]
        self._at = offset + len(piece)
        return piece

    def close(self) -> None:
        """See `Served`."""
        self._answer.close()
