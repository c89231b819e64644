"""Many who come at once, and those who come and say nothing: nodes are served all the same."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from yarl import URL

from flasher.events import ignore
from flasher.fleet.server.door import Crowd
from flasher.fleet.server.run import Serving, listen, served
from flasher.fleet.server.shelf import Folder
from flasher.fleet.server.tls import papers
from flasher.pages import LOOPBACK
from flasher.rig.rigmap import RigMap
from flasher.rig.signing import new_key, read_signer
from tests.integration.fleet.server.program import serving
from tests.integration.fleet.server.rigged import card_of, word_of
from tests.integration.fleet.server.served import METADATA, put, serving_folder

TIMESTAMP = "metadata/timestamp.json"
ASKED = f"GET /repository/{TIMESTAMP} HTTP/1.1\r\nHost: node\r\n\r\n".encode()
# More than the kernel keeps on the way.
_BIG, _BLOB = 32 << 20, "blobs/aa/" + "a" * 64
_LENGTH = re.compile(rb"(?i)content-length: *([0-9]+)")
HALF = b"GET /repository/metadata/timestamp.json HTTP/1.1\r\nHost: "


class Caller:
    """A connection of its own, which says what a test has it say."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self) -> int:
        """The status of what it asks for; 0 where nobody answers."""
        try:
            self._writer.write(ASKED)
            head = await self._reader.readuntil(b"\r\n\r\n")
            await self._reader.readexactly(len(METADATA))
        except (OSError, asyncio.IncompleteReadError):
            return 0
        return int(head.split()[1])

    async def begin(self) -> int:
        """The status of a large file, of which nothing more is taken yet."""
        self._writer.write(f"GET /repository/{_BLOB} HTTP/1.1\r\nHost: node\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def finish(self) -> int:
        """How many bytes of it come, until all are here or the other side hangs up."""
        taken = 0
        with suppress(OSError):
            while taken < _BIG and (piece := await self._reader.read(1 << 20)):
                taken += len(piece)
        return taken

    async def post(self, path: str, body: bytes) -> int:
        """The status of what it sends; the answer is read."""
        head = f"POST {path} HTTP/1.1\r\nHost: node\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(int(_LENGTH.findall(answer)[0]))
        return int(answer.split()[1])

    def say(self, what: bytes) -> None:
        self._writer.write(what)

    async def ended(self) -> bool:
        """Wait until the other side hangs up."""
        try:
            return not await self._reader.read()
        except OSError:
            return True

    async def hang_up(self) -> None:
        self._writer.transport.abort()


class Callers:
    """Connections to one server, until the block ends."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._address, self._stack = URL(url), stack

    async def call(self, context: ssl.SSLContext | None = None, source: str = LOOPBACK) -> Caller:
        host, port = self._address.host, self._address.port
        pair = await asyncio.open_connection(host, port, ssl=context, local_addr=(source, 0))
        caller = Caller(*pair)
        self._stack.push_async_callback(caller.hang_up)
        return caller


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[Callers]:
    async with AsyncExitStack() as stack:
        yield Callers(url, stack)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "repository", TIMESTAMP, METADATA)
    put(tmp_path / "repository", _BLOB, b"")
    os.truncate(tmp_path / "repository" / _BLOB, _BIG)
    return tmp_path / "repository"


@asynccontextmanager
async def secured(folder: Path) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """A server with TLS, and how its nodes know it."""
    shown = papers(read_signer(new_key(), Path("signing.key"), "field"), [], [LOOPBACK])
    with listen(LOOPBACK, 0) as listener:
        wanted = Serving(lambda: Folder(folder), context=shown.context)
        async with served(wanted, listener, ignore):
            url = f"https://{LOOPBACK}:{listener.getsockname()[1]}"
            yield url, ssl.create_default_context(cadata=shown.authority)


async def test_five_hundred_that_never_end_their_handshake_keep_no_node_out(folder: Path) -> None:
    async with secured(folder) as (url, context), calling(url) as callers:
        for number in range(500):
            silent = await callers.call()
            if number % 2:
                silent.say(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a handshake
        assert await (await callers.call(context)).ask() == 200


async def test_five_hundred_that_never_end_their_question_keep_no_node_out(folder: Path) -> None:
    async with serving_folder(folder) as url, calling(url) as callers:
        for number in range(500):
            silent = await callers.call()
            if number % 2:
                silent.say(HALF)
        assert await (await callers.call()).ask() == 200


async def test_whoever_asks_for_nothing_is_hung_up_on(folder: Path) -> None:
    crowd = Crowd(ask_seconds=0.05)
    async with serving_folder(folder, crowd=crowd) as url, calling(url) as callers:
        silent, slow = await callers.call(), await callers.call()
        slow.say(HALF)
        assert await silent.ended()
        assert await slow.ended()


async def test_whoever_asks_for_nothing_more_is_hung_up_on_in_the_end(folder: Path) -> None:
    crowd = Crowd(idle_seconds=0.05)
    async with serving_folder(folder, crowd=crowd) as url, calling(url) as callers:
        node = await callers.call()
        assert await node.ask() == 200
        node.say(HALF)
        assert await node.ended()


async def test_whoever_speaks_no_tls_is_hung_up_on(folder: Path) -> None:
    async with secured(folder) as (url, context), calling(url) as callers:
        stranger = await callers.call()
        stranger.say(ASKED)
        assert await stranger.ended()
        assert await (await callers.call(context)).ask() == 200


async def test_a_question_that_comes_with_the_end_of_the_handshake_is_answered(
    folder: Path,
) -> None:
    async with secured(folder) as (url, context):
        address = URL(url)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        node = context.wrap_bio(coming, going, server_hostname=LOOPBACK)
        while True:
            try:
                node.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(going.read())
                coming.write(await reader.read(1 << 16))
        node.write(ASKED)
        writer.write(going.read())  # both in one
        answer = b""
        while not answer.endswith(METADATA):
            coming.write(await reader.read(1 << 16))
            with suppress(ssl.SSLWantReadError):
                while piece := node.read(1 << 16):
                    answer += piece
        assert answer.split()[1] == b"200"
        writer.transport.abort()


async def test_one_address_has_only_so_many_connections_the_one_that_waits_longest_goes(
    folder: Path,
) -> None:
    async with (
        serving_folder(folder, crowd=Crowd(of_one=2)) as url,
        calling(url) as callers,
    ):
        first, second = [await callers.call() for _ in range(2)]
        assert await first.ask() == await second.ask() == 200
        assert await (await callers.call()).ask() == 200
        assert await first.ended()
        assert await second.ask() == 200
        assert await (await callers.call(source="127.0.0.2")).ask() == 200


async def test_no_answer_is_broken_off_for_one_more_of_the_same_address(folder: Path) -> None:
    async with serving_folder(folder, crowd=Crowd(of_one=2)) as url, calling(url) as callers:
        lazy = [await callers.call() for _ in range(2)]
        assert [await each.begin() for each in lazy] == [200, 200]
        assert await (await callers.call()).ask() == 0
        assert [await each.finish() for each in lazy] == [_BIG, _BIG]


async def test_whoever_has_been_silent_for_longest_makes_room(folder: Path) -> None:
    async with (
        serving_folder(folder, crowd=Crowd(of_one=2)) as url,
        calling(url) as callers,
    ):
        first, second = await callers.call(), await callers.call()
        third = await callers.call()
        assert await first.ended()
        assert await second.ask() == await third.ask() == 200


async def test_when_all_places_are_taken_the_address_with_most_silent_ones_makes_room(
    folder: Path,
) -> None:
    async with serving_folder(folder, crowd=Crowd(most=3)) as url, calling(url) as callers:
        lone = await callers.call(source="127.0.0.2")
        many = [await callers.call() for _ in range(2)]
        node = await callers.call(source="127.0.0.3")
        assert await many[0].ended()
        assert await node.ask() == await lone.ask() == await many[1].ask() == 200


async def test_whoever_asks_for_nothing_more_makes_room_for_a_newcomer(folder: Path) -> None:
    async with serving_folder(folder, crowd=Crowd(most=3)) as url, calling(url) as callers:
        lone = await callers.call(source="127.0.0.2")
        many = [await callers.call() for _ in range(2)]
        for each in (lone, *many):
            assert await each.ask() == 200
        assert await (await callers.call(source="127.0.0.3")).ask() == 200
        assert await many[0].ended()
        assert await lone.ask() == await many[1].ask() == 200


async def test_where_all_are_answered_the_address_with_most_of_them_makes_room(
    folder: Path,
) -> None:
    async with serving_folder(folder, crowd=Crowd(most=3)) as url, calling(url) as callers:
        lone = await callers.call(source="127.0.0.2")
        many = [await callers.call() for _ in range(2)]
        for each in (lone, *many):
            assert await each.begin() == 200
        node = await callers.call(source="127.0.0.3")
        assert await node.begin() == 200
        assert await (await callers.call(source="127.0.0.2")).ask() == 0  # each has one
        assert await many[0].finish() < _BIG
        assert [await each.finish() for each in (lone, many[1], node)] == [_BIG] * 3


async def test_eight_addresses_that_hold_every_place_keep_no_node_out_and_throw_none_out(
    rig: RigMap, folder: Path
) -> None:
    identity, crowd = card_of(rig, "cam-101"), Crowd()
    assert 8 * crowd.of_one == crowd.most
    with serving("--site", "field", "--repository", folder) as server:
        async with calling(server.url) as callers:
            node = await callers.call()
            assert await node.post("/reports", word_of(identity, "cam-101", 1)) == 200
            for number in range(crowd.most):
                guest = await callers.call(source=f"127.0.1.{number % 8 + 1}")
                assert await guest.ask() == 200
            for sequence in range(2, 12):
                other = await callers.call(source="127.0.0.2")
                assert await other.post("/reports", word_of(identity, "cam-101", sequence)) == 200
            assert await node.post("/reports", word_of(identity, "cam-101", 12)) == 200


async def test_a_place_is_free_again_when_its_connection_ends(folder: Path) -> None:
    async with serving_folder(folder, crowd=Crowd(most=1)) as url, calling(url) as callers:
        node = await callers.call()
        assert await node.begin() == 200
        await node.hang_up()
        while await (await callers.call()).ask() != 200:
            pass  # the server has not seen yet that it is gone


async def test_whoever_takes_nothing_of_what_it_asked_for_does_not_hold_up_the_others(
    folder: Path,
) -> None:
    async with serving_folder(folder) as url, calling(url) as callers:
        assert await (await callers.call()).begin() == 200
        assert await (await callers.call()).ask() == 200
