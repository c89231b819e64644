"""A repository on a web server: one connection, kept; nothing that it says is waited for for ever.

http.client of the standard library is used for its `read1`, which gives what has come, however
little: a server that drips bytes is noticed, which reading whole pieces would not.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from autosetup.in_time import in_time
from autosetup.update.store import NotThere, failed

_CHUNK = 1 << 16
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MISSING = frozenset({403, 404, 410})
_PLAIN = {"Accept-Encoding": "identity", "User-Agent": "autosetup"}
_SAFE = frozenset(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        connect_seconds: until it is there at all; the next source may be near.
        answer_seconds: until it has sent its headers, and for each further byte.
        window_seconds, window_bytes: within each such time so many bytes must come.
    """

    connect_seconds: float = 10
    answer_seconds: float = 30
    window_seconds: float = 30
    window_bytes: int = 30 * 1024


class Line:
    """A connection to the server that was asked last."""

    def __init__(self, authority: str, patience: Patience) -> None:
        self._authority, self._patience = authority, patience
        self._origin = ("", "")
        self._connection: http.client.HTTPConnection | None = None
        self._answer: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None

    def ask(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask for a file; over a connection that the server has closed meanwhile, once more."""
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != self._origin:
            self.drop()
        was_open = self._connection is not None
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        target = "".join(c if c in _SAFE else _quoted(c) for c in target)
        try:
            return self._ask(parts.scheme, parts.netloc, target, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.drop()
            if not was_open:
                raise
            return self._ask(parts.scheme, parts.netloc, target, headers)

    def body(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        """The answer as it comes."""
        left = _CHUNK if (size := response.length) is None else size
        since, came = time.monotonic(), 0
        while left and (piece := self._some(response, min(left, _CHUNK))):
            yield piece
            left -= len(piece) if size is not None else 0
            came, now = came + len(piece), time.monotonic()
            if now - since >= self._patience.window_seconds:
                if came < self._patience.window_bytes:
                    raise TimeoutError(f"only {came} bytes in {now - since:.0f} seconds")
                since, came = now, 0
        if size is not None and left:
            raise ConnectionError(f"it broke off, {left} bytes before the end")
        response.close()  # which leaves the connection to the next one

    def drop(self) -> None:
        """Close the connection, and the answer, which may be all that holds it by now."""
        for held in (self._answer, self._connection):
            if held:
                held.close()
        self._answer = self._connection = None

    def _ask(
        self, scheme: str, host: str, target: str, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = self._connect(scheme, host)
            self._origin = (scheme, host)
        if self._connection.sock is None:
            _open(self._connection, self._patience)
        self._socket = self._connection.sock  # the connection forgets it before the answer ends
        with in_time(self._socket, self._patience.answer_seconds):
            self._connection.request("GET", target, headers=headers)
            self._answer = self._connection.getresponse()
        return self._answer

    def _some(self, response: http.client.HTTPResponse, most: int) -> bytes:
        """What has come, at most so many bytes; empty at the end."""
        if not response.chunked or self._socket is None:
            return response.read1(most)
        with in_time(self._socket, self._patience.answer_seconds):  # also before and after chunks
            return response.read1(most)

    def _connect(self, scheme: str, host: str) -> http.client.HTTPConnection:
        seconds = self._patience.connect_seconds
        if scheme == "http":
            return http.client.HTTPConnection(host, timeout=seconds)
        if scheme != "https":
            raise ValueError(f"{scheme or 'nothing'} is neither http nor https")
        context = ssl.create_default_context()
        if self._authority:
            context.load_verify_locations(cadata=self._authority)
        return http.client.HTTPSConnection(host, timeout=seconds, context=context)


@dataclass(frozen=True, slots=True)
class Web:
    """Files below the address `base`, one after the other; made by `web_at`."""

    name: str
    base: str
    line: Line

    def read(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """See `Store`."""
        headers = {**_PLAIN, "Range": f"bytes={offset}-"} if offset else _PLAIN
        try:
            response = self._ask(path, headers)
            skipped = offset if response.status == http.HTTPStatus.OK else 0
            if not skipped and offset:
                self._check_range(response, offset)
            for piece in self.line.body(response):
                if rest := piece[skipped:]:
                    yield rest
                skipped = max(0, skipped - len(piece))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.line.drop()
            raise failed(self.name, f"{path}: {_said(error)}") from error
        except BaseException:
            self.line.drop()  # the rest of the answer stands in the way of the next one
            raise

    def below(self, folder: str) -> Web:
        """See `Store`; over the same connection."""
        return Web(self.name, f"{urljoin(self.base, folder).rstrip('/')}/", self.line)

    def close(self) -> None:
        """See `Store`."""
        self.line.drop()

    def _ask(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        url = self.base + path
        for _ in range(_MOST_REDIRECTS + 1):
            response = self.line.ask(url, headers)
            if response.status in _MISSING:
                raise NotThere(path, response.status)
            if response.status in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
                return response
            if response.status not in _REDIRECTS:
                raise failed(self.name, f"{path}: it says {response.status} {response.reason}")
            url = _further(url, response.headers.get("Location", ""))
            self.line.drop()
        raise failed(self.name, f"{path}: it sends the node from one place to the next")

    @staticmethod
    def _check_range(response: http.client.HTTPResponse, offset: int) -> None:
        told = response.headers.get("Content-Range", "")
        if not told.startswith(f"bytes {offset}-"):
            raise ValueError(f"asked for what follows byte {offset}, it sends {told!r}")


def web_at(address: str, authority: str = "", patience: Patience | None = None) -> Web:
    """A repository at an address.

    Args:
        address: ``http://`` or ``https://``, ending with a slash or not.
        authority: certificates (PEM) that are trusted beside the system's; may be empty.
        patience: with the server.
    """
    line = Line(authority, patience or Patience())
    return Web(address, f"{address.rstrip('/')}/", line)


def _open(connection: http.client.HTTPConnection, patience: Patience) -> None:
    """Connect, and from then on wait as long as an answer may take."""
    connection.connect()
    connection.sock.settimeout(patience.answer_seconds)


def _further(url: str, location: str) -> str:
    """Where a server sends us; never from a guarded connection to an open one."""
    target = urljoin(url, location)
    if not location or (urlsplit(url).scheme == "https" != urlsplit(target).scheme):
        raise ValueError(f"it sends the node to {location!r}")
    return target


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{error}" or type(error).__name__
