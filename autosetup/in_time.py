"""A server's answer that comes to an end, whatever the server does.

A socket's own timeout begins anew with each byte that comes: whoever sends one a second, in a
header or before a piece of a file, would be waited for for weeks.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def in_time(line: socket.socket, seconds: float) -> Iterator[None]:
    """Hang up on a server that has not said all that is read in the block by then.

    Args:
        line: the connection; its greeting is over.
        seconds: for the whole block.

    Raises:
        TimeoutError: it took longer.
    """
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
        timer.join()
    if late.is_set():  # headers that were cut look like headers that ended
        raise TimeoutError("it does not answer in time")
