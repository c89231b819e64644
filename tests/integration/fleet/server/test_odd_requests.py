"""What no client asks: each is refused in few words, and the log has nothing of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from yarl import URL

from flasher.events import Event, Noted
from flasher.fleet.server.offer import Wanted, offer
from flasher.fleet.server.run import Serving, served
from flasher.fleet.server.shelf import Whole
from flasher.rig.rigmap import RigMap
from tests.integration.fleet.server.served import METADATA, put, serving

_REST = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def get(path: bytes, headers: bytes = b"", method: bytes = b"GET") -> bytes:
    return method + b" " + path + _REST + headers + b"\r\n"


def post(body: bytes, headers: bytes = b"", path: bytes = b"/reports") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + path + _REST + length + headers + b"\r\n" + body


PATHS = [
    *(b"/repository/", b"/repository/\x00", b"/repository/%00", b"/repository/metadata/%00.json"),
    *(b"/repository/\xff\xfe", b"/repository/%ff%fe", b"/repository/%ed%a0%80", b"/repository/%"),
    *(b"/repository/%zz", b"/repository/a b", b"/repository/a%2f..%2fb", b"/repository/../x"),
    *(b"/repository/..%2f..%2fetc%2fpasswd", b"/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd"),
    *(b"/repository/" + b"a" * 300, b"/repository/targets/" + b"a" * 251, b"/" + b"a" * 20_000),
    *(b"/repository/targets" + b"/a" * 3000, b"", b"*", b"no-slash", b"?x", b"http://[::1/x"),
    *(b"http://a:99999/", b"http://:80:80/", b"//[", b"/blink/%00", b"/blink/\xff", b"/\xed\xa0"),
    *(b"/?token=%ff", b"/?token=\xff", b"/?token=%ed%a0%80", b"/board.js%00", b"/board.jsx"),
]
HEADERS = [
    b"X: " + b"a" * 100_000 + b"\r\n",
    b"".join(b"X%d: a\r\n" % number for number in range(5000)),
    *(b"X: a\x00b\r\n", b"no colon\r\n", b": a\r\n", b"Host: another\r\n", b"Origin: \xff\r\n"),
    *(b"Cookie: a=\xff; ;;==;\r\n", b"Authorization: Bearer \xff\xed\xa0\x80\r\n"),
    *(b"Content-Length: -1\r\n", b"Content-Length: a\r\n", b"Transfer-Encoding: gzip\r\n"),
    b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n",
]
BODIES = [
    *(b"", b"{", b"{}", b"null", b'"a"', b"\xff\xfe", b"[" * 20_000, b"1" * 5000, b"x" * 200_000),
    *(b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a": NaN}', b"\x00"),
]
METHODS = [b"BREW", b"DELETE", b"PUT", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"\x00"]
ODD = [
    *(get(path) for path in PATHS),
    *(get(b"/board.json", headers) for headers in HEADERS),
    *(get(b"/repository/metadata/timestamp.json", method=method) for method in METHODS),
    *(get(path) for path in (b"/reports", b"/turns")),
    *(post(body, path=path) for body in BODIES for path in (b"/reports", b"/turns")),
    post(b"\xff", b"Content-Encoding: gzip\r\n"),
    post(b"{}", b"Content-Type: ;;;charset=nonsense\r\n"),
    post(b"{}", b"Expect: 200-maybe\r\n"),
    post(b"{}", path=b"/blink/x"),
    get(b"/reports", b"Transfer-Encoding: chunked\r\n", b"POST") + b"zz\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
]
CUT_OFF = [
    b"G",
    get(b"/repository/metadata/timestamp.json")[:-10],
    post(b"{}" * 20)[:-10],
    get(b"/reports", b"Transfer-Encoding: chunked\r\n", b"POST") + b"5\r\nab",
    get(b"/reports", b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"POST"),
    get(b"/repository/metadata/timestamp.json"),  # does not wait for the answer
]


@dataclass
class Told:
    """A server, and all that it told."""

    url: str
    events: list[Event] = field(default_factory=list)

    async def answer(self, raw: bytes, *, cut_off: bool = False) -> bytes:
        """What comes back until it hangs up."""
        address = URL(self.url)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(raw)
        if cut_off:
            writer.write_eof()
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


@pytest.fixture
async def server(rig: RigMap, tmp_path: Path) -> AsyncIterator[Told]:
    put(tmp_path / "repository", "metadata/timestamp.json", METADATA)
    wanted = Wanted(site=rig.site, repository=str(tmp_path / "repository"))
    with offer(wanted) as found:
        told = Told(found.url)
        async with served(found.serving, found.listener, told.events.append):
            yield told


async def test_each_is_refused_in_few_words_and_not_told(
    server: Told, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)
    for raw in ODD:
        answer = await server.answer(raw)
        about, _, words = answer.partition(b"\r\n\r\n")
        assert b" ".join(about.split()[1:2]).startswith(b"4"), (raw[:99], answer[:99])
        assert len(words) < 500, (raw[:99], words)
    assert (server.events, caplog.records, capfd.readouterr().err) == ([], [], "")


async def test_whoever_hangs_up_in_the_middle_is_not_told_either(
    server: Told, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)
    for raw in CUT_OFF:
        await server.answer(raw, cut_off=True)
    assert (server.events, caplog.records, capfd.readouterr().err) == ([], [], "")


class _Broken:
    """A shelf with a mistake in it."""

    mark = ""

    async def open(self, name: str, asker: str = "", via: str = "") -> Whole | None:
        """See `Shelf`."""
        del asker, via
        raise KeyError(f"{name}\x1b[2J\n")

    async def close(self) -> None:
        """See `Shelf`."""


async def test_a_fault_of_our_own_is_told_in_one_line_and_not_for_ever() -> None:
    told: list[Event] = []
    async with serving(Serving(_Broken), told.append) as url:
        server = Told(url)
        for _ in range(50):
            answer = await server.answer(get(b"/repository/metadata/timestamp.json"))
            assert answer.split()[1] == b"500"
    assert 0 < len(told) < 30
    assert all(isinstance(each, Noted) and each.text.isprintable() for each in told)
    assert "KeyError: " in str(told[0])
    assert "test_odd_requests.py:" in str(told[0])
