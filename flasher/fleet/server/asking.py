"""GET as a mirror asks: what an answer leads to is followed, but not into inner networks.

Whoever has the source, or speaks for one without TLS, must not have this computer ask the devices
around it. So what leads away from the source's own host leads to an address of the whole internet,
or nowhere; and never from TLS to none.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import Any

import aiohttp
from yarl import URL

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
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        self._host, self._context = URL(url).host, context
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
        if target.host == self._host:
            session = self._session_for_source()
        elif _is_inner(target.host or ""):
            raise Forbidden
        else:
            session = self._session_for_others()
        try:
            return await session.get(target, headers=headers, allow_redirects=False)
        except aiohttp.ClientConnectorError as error:  # the source itself has answered
            raise aiohttp.ClientConnectionError(str(error)) from None

    def _session_for_source(self) -> aiohttp.ClientSession:
        if self._near is None:
            self._near = self._session()
        return self._near

    def _session_for_others(self) -> aiohttp.ClientSession:
        if self._far is None:
            self._far = self._session(resolver=_Outside())
        return self._far

    def _session(self, **options: Any) -> aiohttp.ClientSession:
        # How many files come at once, and whose, is not judged here.
        connector = aiohttp.TCPConnector(ssl=self._context or True, limit=0, **options)
        return aiohttp.ClientSession(connector=connector, timeout=_PATIENCE, auto_decompress=False)


class _Outside(aiohttp.ThreadedResolver):
    """Knows addresses of the whole internet alone."""

    async def resolve(self, host: str, *args: Any, **options: Any) -> list[Any]:
        """See `aiohttp.abc.AbstractResolver`."""
        found = await super().resolve(host, *args, **options)
        outside = [each for each in found if not _is_inner(each["host"])]
        if not outside:
            raise OSError(socket.EAI_NONAME, "no address of the whole internet")
        return outside


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


def _is_inner(host: str) -> bool:
    """Whether this is an address, and of some networks only. Names are looked up where needed."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    inside = getattr(address, "ipv4_mapped", None) or address
    return not inside.is_global or inside.is_multicast
