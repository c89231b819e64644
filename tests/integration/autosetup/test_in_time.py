"""No server holds a node for ever, whatever part of its answer it never ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from autosetup.errors import AgentError
from autosetup.post import Post, Unanswered
from autosetup.update.web import Patience, web_at

# Far less than nodes have.
SECONDS = 0.5
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
WITHOUT_END = [
    pytest.param(b"HTTP/1.1 200 ", b"O", id="the first line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a", id="a header"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-One: a\r\n", id="headers"),
    pytest.param(CHUNKED + b"\r\n1;", b"a", id="what stands before a chunk"),
    pytest.param(CHUNKED + b"Connection: close\r\n\r\n1;", b"a", id="the same, without a next one"),
    pytest.param(CHUNKED + b"\r\n0\r\n", b"X-One: a\r\n", id="what follows the last chunk"),
]
BODY = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4096\r\n\r\n"


@contextmanager
def murmuring(begun: bytes, again: bytes) -> Iterator[str]:
    """A server that begins so, and says this again and again; gives its address."""
    stopping = threading.Event()

    def answer(listener: socket.socket) -> None:
        while not stopping.is_set():
            peer, _ = listener.accept()
            with peer, suppress(OSError):
                peer.recv(1 << 16)
                peer.sendall(begun)
                while not stopping.wait(SECONDS / 10):
                    peer.sendall(again)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            stopping.set()
            with suppress(OSError):
                socket.create_connection(listener.getsockname()).close()
            thread.join()


@pytest.mark.parametrize(
    ("begun", "again"), [*WITHOUT_END, pytest.param(BODY, b"a", id="what it says")]
)
def test_a_board_whose_answer_does_not_end_is_hung_up_on(begun: bytes, again: bytes) -> None:
    with murmuring(begun, again) as address, pytest.raises(Unanswered, match="in time"):
        Post(address, answer_seconds=SECONDS).send("turns", b"{}")


@pytest.mark.parametrize(("begun", "again"), WITHOUT_END)
def test_a_repository_whose_answer_does_not_end_is_hung_up_on(begun: bytes, again: bytes) -> None:
    patience = Patience(answer_seconds=SECONDS)
    with murmuring(begun, again) as address:
        store = web_at(address, patience=patience)
        with pytest.raises(AgentError, match="in time") as raised:
            list(store.read("metadata/timestamp.json"))
        store.close()
    assert raised.value.code == "source-failed"
