"""A server of files on this computer that does not always behave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from builder.lock import LockedPackage


@dataclass
class Mirror:
    """A server of files.

    Attributes:
        breaks_after: end each answer after so many bytes; 0 for never.
        away: how many of the next requests get no answer at all.
        asked: the ranges asked for.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    breaks_after: int = 0
    away: int = 0
    asked: list[str] = field(default_factory=list)

    def offer(self, name: str, data: bytes) -> LockedPackage:
        self.files[f"/{name}_1_all.deb"] = data
        digest = hashlib.sha256(data).hexdigest()
        uri = f"{self.address}/{name}_1_all.deb"
        return LockedPackage(name, "1", "all", name, "1", uri, len(data), digest)


@contextmanager
def serving() -> Iterator[Mirror]:
    """Serve files on this computer for as long as the block lasts."""
    state = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.asked.append(wanted)
            if state.away:
                state.away -= 1
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            data = state.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start:][: state.breaks_after or None])

        def do_HEAD(self) -> None:
            data = state.files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
