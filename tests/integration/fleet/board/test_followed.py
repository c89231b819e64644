"""A screen follows the server's board over real HTTP, and finds back after the server was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from flasher.errors import FlasherError
from flasher.fleet.board.feed import Reach, ServedBoard
from flasher.fleet.board.view import BoardView
from tests.integration.fleet.board.served import Served, serving
from tests.tui.board_rig import NOON, lively, quiet


@pytest.fixture
async def place() -> AsyncIterator[Served]:
    async with serving(lively()) as found:
        yield found


async def test_the_board_comes_once(place: Served) -> None:
    assert await ServedBoard(place.reach).once() == lively().view()


async def test_the_board_comes_whole_and_then_as_it_changes(place: Served) -> None:
    async with aclosing(ServedBoard(place.reach).follow()) as told:
        assert await anext(told) == lively().view()
        later = lively().asked_to_blink("1".zfill(32), NOON)
        place.tell(later)
        assert await anext(told) == later.view()


async def test_a_board_of_another_rig_map_is_taken_whole(place: Served) -> None:
    async with aclosing(ServedBoard(place.reach).follow()) as told:
        await anext(told)
        place.tell(quiet())
        assert await anext(told) == quiet().view()


async def test_asking_a_node_to_blink_reaches_the_desk(place: Served) -> None:
    await ServedBoard(place.reach).blink("1".zfill(32))
    assert "1".zfill(32) in place.board.blinks
    with pytest.raises(FlasherError) as caught:
        await ServedBoard(place.reach).blink("e" * 32)
    assert caught.value.code == "not-found"


async def test_a_wrong_token_is_told(place: Served) -> None:
    board = ServedBoard(Reach(place.url, "guessed"))
    for attempt in (board.once(), board.blink("1".zfill(32))):
        with pytest.raises(FlasherError) as caught:
            await attempt
        assert caught.value.code == "not-let-in"


async def test_a_server_without_tls_is_told_with_its_address(place: Served) -> None:
    board = ServedBoard(Reach(place.url.replace("http:", "https:"), place.guard.token))
    with pytest.raises(FlasherError) as caught:
        await board.once()
    assert caught.value.code == "speaks-http"
    assert f"--url {place.url}" in caught.value.hint


async def test_contact_that_is_lost_is_told_and_found_again(unused_tcp_port: int) -> None:
    async with serving(quiet()) as place:
        told = ServedBoard(place.reach).follow()
        async with aclosing(told):
            assert isinstance(await anext(told), BoardView)
            place.rig.viewers.close()
            lost = await anext(told)
            assert isinstance(lost, FlasherError)
            assert lost.code == "no-board"
            assert isinstance(await anext(told), BoardView)
    with pytest.raises(FlasherError) as caught:
        await ServedBoard(Reach(f"http://127.0.0.1:{unused_tcp_port}", "x")).once()
    assert caught.value.code == "no-board"


async def test_a_server_that_sends_no_board_is_told(unused_tcp_port: int) -> None:
    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(noise, "127.0.0.1", unused_tcp_port):
        with pytest.raises(FlasherError) as caught:
            await ServedBoard(Reach(f"http://127.0.0.1:{unused_tcp_port}", "x")).once()
    assert caught.value.code == "not-a-board"
