"""One connection to the board, kept from message to message: a handshake for each would cost both.

Nothing is followed, and nothing long is read.
"""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from autosetup.in_time import in_time

_SECONDS = 10.0
_LONGEST_ANSWER = 4096
_HEADERS = {"Content-Type": "application/json", "User-Agent": "autosetup"}


class Unanswered(Exception):
    """The board is away, or is not the one that it should be; says why."""


class Post:
    """Messages to an address.

    Args:
        address: ``http://`` or ``https://``, with or without a path.
        authority: certificate (PEM) that alone vouches for it; where empty, the system's do.
        answer_seconds: for each answer as a whole, however it comes.
    """

    def __init__(self, address: str, authority: str = "", answer_seconds: float = _SECONDS) -> None:
        self.address, self._answer_seconds = address, answer_seconds
        self._parts = urlsplit(address)
        self._authority = authority
        self._connection: http.client.HTTPConnection | None = None

    def send(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Post bytes; gives the HTTP status and the answer.

        Over a connection that was closed meanwhile it is tried once more.

        Args:
            path: below the address, such as ``reports``.

        Raises:
            Unanswered: nothing came back.
        """
        was_open = self._connection is not None
        try:
            try:
                return self._send(path, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
                if not was_open:
                    raise
                return self._send(path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise Unanswered(f"{self.address}: {_said(error)}") from error

    def close(self) -> None:
        """Hang up; the next message calls anew."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _send(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._made()
        if self._connection.sock is None:  # a server may close it after each answer
            self._connection.connect()
        target = f"{self._parts.path.rstrip('/')}/{path}"
        with in_time(self._connection.sock, self._answer_seconds):
            self._connection.request("POST", target, body, _HEADERS)
            with self._connection.getresponse() as response:
                answer = response.read(_LONGEST_ANSWER)
                is_whole = response.isclosed()
                status = response.status
        if not is_whole:
            self.close()
        return status, answer

    def _made(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=_SECONDS)
        context = self._context()
        return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=context)

    def _context(self) -> ssl.SSLContext:
        if not self._authority:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._authority)
        return context


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or f"{error}" or repr(error)
