"""GET as a mirror asks: what an answer leads to is followed, but not into inner networks.

Whoever has the source, or speaks for one without TLS, must not have this computer ask the devices
around it. So what leads away from the source's own host and port leads to an address of the whole
internet, or nowhere; and never from TLS to none. Without TLS, a source that was of the whole
internet once stays there, whatever its name comes to mean.
"""

from __future__ import annotations

import ssl
from typing import Any

import aiohttp
from yarl import URL

from flasher.fleet.server.inner import OnceOutside, Outside, is_inner

# All tries to connect end before nodes, which wait for half a minute, give us up.
_PATIENCE = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)
_FURTHER = frozenset({301, 302, 303, 307, 308})
_MOST_HOPS = 3


class Forbidden(Exception):
    """An answer leads to where nobody may be led."""


class Asking:
    """Asks the server of an address; made and used in one event loop.

    Args:
        url: whose host is asked.
        context: whom to trust, with https; None for the system's authorities.
        patience: how long is waited.
    """

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext | None = None,
        patience: aiohttp.ClientTimeout = _PATIENCE,
    ) -> None:
        self._source, self._context, self._patience = URL(url), context, patience
        self._near: aiohttp.ClientSession | None = None
        self._far: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """The answer at the end of the way.

        Raises:
            Forbidden: it leads elsewhere than it may, or too far.
            TimeoutError, aiohttp.ClientError: the source does not answer.
        """
        answer = await self._session_for_source().get(url, headers=headers, allow_redirects=False)
        for _ in range(_MOST_HOPS):
            if answer.status not in _FURTHER:
                return answer
            answer.close()
            answer = await self._follow(_target(answer), headers)
        answer.close()
        raise Forbidden

    async def close(self) -> None:
        """Nothing is asked any more."""
        for session in (self._near, self._far):
            if session:
                await session.close()

    async def _follow(self, target: URL, headers: dict[str, str]) -> aiohttp.ClientResponse:
        if self._is_source(target):
            session = self._session_for_source()
        elif is_inner(target.host or ""):
            raise Forbidden
        else:
            session = self._session_for_others()
        try:
            return await session.get(target, headers=headers, allow_redirects=False)
        except (TimeoutError, aiohttp.ClientConnectorError) as error:
            # The source itself has answered: it is not away.
            raise aiohttp.ClientConnectionError(str(error)) from None

    def _is_source(self, target: URL) -> bool:
        ways = {(self._source.scheme, self._source.port)}
        if ("http", 80) in ways:
            ways.add(("https", 443))
        return target.host == self._source.host and (target.scheme, target.port) in ways

    def _session_for_source(self) -> aiohttp.ClientSession:
        if self._near is None:
            # With TLS, no device next door has the source's certificate.
            has_tls = self._source.scheme == "https"
            self._near = self._session(**({} if has_tls else {"resolver": OnceOutside()}))
        return self._near

    def _session_for_others(self) -> aiohttp.ClientSession:
        if self._far is None:
            self._far = self._session(resolver=Outside())
        return self._far

    def _session(self, **options: Any) -> aiohttp.ClientSession:
        # How many files come at once, and whose, is not judged here.
        connector = aiohttp.TCPConnector(ssl=self._context or True, limit=0, **options)
        return aiohttp.ClientSession(
            connector=connector, timeout=self._patience, auto_decompress=False
        )


def _target(answer: aiohttp.ClientResponse) -> URL:
    """Where an answer leads; raises `Forbidden`."""
    try:
        target = answer.url.join(URL(answer.headers.get("Location", "")))
    except ValueError:
        raise Forbidden from None
    schemes = ("https",) if answer.url.scheme == "https" else ("http", "https")
    if target.scheme not in schemes or not target.host:
        raise Forbidden
    return target
