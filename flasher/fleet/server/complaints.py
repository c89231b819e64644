"""What goes wrong inside of the server: told in one line, and no more often than a disk can take.

What strangers do wrong has been answered, and is not told at all: else they could fill the disk.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from flasher.events import Emit, Noted
from flasher.fleet.server.limits import Bucket

SUBJECT = "server"
_LONGEST = 300
# So many lines at once, and one a minute.
_BURST, _RATE = 20, 1 / 60
_THEIRS = (HttpProcessingError, web.RequestPayloadError, ConnectionError, ssl.SSLError)


class Complaints(logging.Handler):
    """Takes what aiohttp and asyncio would print with a traceback.

    Args:
        emit: is told one line of each fault of our own.
    """

    def __init__(self, emit: Emit) -> None:
        super().__init__(logging.WARNING)
        self._tell, self._bucket = emit, Bucket(_RATE, _BURST)
        self.logger = logging.Logger("flasher.server")
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        self.told(record.getMessage(), record.exc_info[1] if record.exc_info else None)

    def told(self, what: str, error: BaseException | None) -> None:
        """Something failed."""
        if isinstance(error, _THEIRS) or not self._bucket.has(1):
            return
        line = " ".join(f"{what}{_words(error)}".split())
        plain = "".join(c if c.isprintable() else "?" for c in line)
        self._tell(Noted(SUBJECT, plain[:_LONGEST], warning=True))

    @contextmanager
    def of_loop(self) -> Iterator[None]:
        """Take what the running loop has to say, too, while the block runs."""
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(self._of_context)
        try:
            yield
        finally:
            loop.set_exception_handler(before)

    def _of_context(self, _loop: object, context: dict[str, object]) -> None:
        error = context.get("exception")
        self.told(str(context.get("message")), error if isinstance(error, Exception) else None)


def _words(error: BaseException | None) -> str:
    """What an error is, and which line of the program says so."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
    return f": {type(error).__name__}: {error}{place}"
