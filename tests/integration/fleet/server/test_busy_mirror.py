"""A mirror that is asked for more than its source gives, and a source with a bad line."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from flasher.fleet.server.flight import Flight
from flasher.fleet.server.lanes import Lanes
from tests.integration.fleet.server.served import (
    MB,
    METADATA,
    Upstream,
    blob_of,
    get,
    mirroring,
)

DATA = os.urandom(2 * MB)
TIMESTAMP = "metadata/timestamp.json"
PATIENCE = aiohttp.ClientTimeout(total=120)


@asynccontextmanager
async def guest(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody with an address of the own, and as many connections as wanted."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as client:
        yield client


async def status_of(client: aiohttp.ClientSession, url: str) -> int:
    async with client.get(url) as answer:
        await answer.read()
        return answer.status


async def test_a_stranger_that_asks_for_what_is_not_there_keeps_no_node_from_its_files(
    tmp_path: Path,
) -> None:
    upstream, lanes = Upstream(), Lanes()
    asked = [TIMESTAMP, "metadata/2.snapshot.json", upstream.add(DATA)]
    upstream.files |= dict.fromkeys(asked[:2], METADATA)
    upstream.held = asyncio.Event()
    async with (
        upstream.served() as source,
        mirroring(source, tmp_path / "mirror") as url,
        guest("127.0.0.2") as stranger,
        guest("127.0.0.3") as node,
        asyncio.TaskGroup() as group,
    ):
        names = [f"metadata/{number}.json" for number in range(lanes.of_one + lanes.waiting - 1)]
        # Nodes need not wait for it until the stranger has it, either.
        for name in (*names, TIMESTAMP):
            group.create_task(status_of(stranger, f"{url}/{name}"))
        for _ in range(lanes.of_one):
            await upstream.waiting.acquire()
        for name in asked:
            assert await status_of(node, f"{url}/{name}") == 200
        upstream.held.set()


async def test_plans_and_letters_wait_for_no_files_however_slowly_these_come(
    tmp_path: Path,
) -> None:
    upstream, lanes = Upstream(), Lanes()
    plan = f"targets/field/{hashlib.sha256(METADATA).hexdigest()}.rollout.json"
    upstream.files[plan] = METADATA
    upstream.held = asyncio.Event()
    async with (
        upstream.served() as source,
        mirroring(source, tmp_path / "mirror") as url,
        guest("127.0.0.2") as node,
        AsyncExitStack() as guests,
        asyncio.TaskGroup() as group,
    ):
        for stranger in range(lanes.most // lanes.of_one):
            client = await guests.enter_async_context(guest(f"127.0.0.{3 + stranger}"))
            for number in range(lanes.of_one):
                name = blob_of(bytes([stranger, number]))
                group.create_task(status_of(client, f"{url}/{name}"))
        for _ in range(lanes.most):
            await upstream.waiting.acquire()
        assert await status_of(node, f"{url}/{plan}") == 200
        upstream.held.set()


async def test_whoever_asks_for_too_much_at_once_is_told_to_come_again(tmp_path: Path) -> None:
    upstream, lanes = Upstream(), Lanes()
    upstream.held = asyncio.Event()
    most = lanes.of_one + lanes.waiting
    async with (
        upstream.served() as source,
        mirroring(source, tmp_path / "mirror") as url,
        guest("127.0.0.2") as client,
        asyncio.TaskGroup() as group,
    ):
        names = [f"{url}/metadata/{number}.json" for number in range(most + 1)]
        asking = [group.create_task(status_of(client, name)) for name in names]
        first, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in first] == [503]
        upstream.held.set()
        assert sorted([await task for task in asking]) == [404] * most + [503]


async def test_what_is_refused_for_one_name_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    upstream = Upstream()
    name, odd = upstream.add(DATA), "metadata/9.a-very-long-name.json"
    upstream.refused = {odd}
    async with upstream.served() as source, mirroring(source, tmp_path / "mirror") as url:
        for _ in range(2):
            assert (await get(f"{url}/{odd}"))[0] == 503
        assert await get(f"{url}/{name}") == (200, DATA)
        assert upstream.asked == {odd: 1, f"repository/{odd}": 1, name: 1}


async def test_a_line_that_breaks_again_and_again_brings_the_file_all_the_same(
    tmp_path: Path,
) -> None:
    upstream = Upstream()
    name, upstream.cut_each = upstream.add(DATA), 450_000
    async with (
        upstream.served() as source,
        mirroring(source, tmp_path / "mirror") as url,
        aiohttp.ClientSession(timeout=PATIENCE) as client,
        client.get(f"{url}/{name}") as answer,
    ):
        found = b""
        while len(found) + upstream.cut_each < len(DATA):
            found += await answer.content.readexactly(upstream.cut_each)
            upstream.cuts.release()
        assert found + await answer.read() == DATA
        assert upstream.asked[name] == 5


async def test_room_is_made_for_what_comes_and_not_for_what_is_told_of(tmp_path: Path) -> None:
    wanted: list[int] = []

    def make_room(rest: int, step: int) -> bool:
        wanted.append(step)
        return step <= rest

    turn: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    flight = Flight(tmp_path / "part", "", 10**12, turn, make_room)
    flight.begin(10**11)
    assert sum(wanted) < 100 * MB
    while len(wanted) == 1:
        await flight.take(bytes(MB))
    assert flight.done - MB <= wanted[0] < flight.done
