"""Nobody drives the wizard but the browser that was given the address."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import aiohttp
import psutil
import pytest

from flasher.process import run
from tests.integration.web.served import (
    HELP,
    SCANNER,
    Served,
    enter,
    served,
    served_here,
    until_shown,
)


@pytest.fixture
async def place() -> AsyncIterator[Served]:
    async with served_here() as found:
        yield found


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)  # takes cookies of addresses, as browsers do
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        yield client


def own(place: Served) -> dict[str, str]:
    return {"Origin": place.origin}


async def refused(client: aiohttp.ClientSession, url: str, **headers: str) -> bool:
    async with client.get(url, headers=headers) as answer:
        return answer.status == 403


async def test_one_browser_sees_the_wizard_and_its_keys_arrive(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    await enter(browser, place)
    async with browser.ws_connect(f"{place.origin}/ws", headers=own(place)) as socket:
        await until_shown(socket, SCANNER)
        await socket.send_json(["stdin", "?"])
        await until_shown(socket, HELP)


async def test_the_address_opens_once(place: Served, browser: aiohttp.ClientSession) -> None:
    await enter(browser, place)
    async with aiohttp.ClientSession() as other:
        assert await refused(other, place.entrance)
    async with browser.get(place.origin) as answer:
        assert answer.status == 200


async def test_a_head_request_does_not_use_the_address_up(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    async with browser.head(place.entrance) as answer:
        assert answer.status != 200
    await enter(browser, place)


async def test_without_the_cookie_nothing_is_given(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    for path in ("/", "/ws", "/static/js/textual.js", "/own/web.css", "/download/x"):
        assert await refused(browser, place.origin + path, **own(place)), path
    assert await refused(browser, f"{place.origin}/enter?token=guessed")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect(f"{place.origin}/ws", headers=own(place))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Host": "evil.test"},
        {"Host": "localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_of_others_are_refused_even_with_the_cookie(
    place: Served, browser: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    await enter(browser, place)
    for path in ("/", "/static/js/textual.js"):
        assert await refused(browser, place.origin + path, **headers)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect(f"{place.origin}/ws", headers={**own(place), **headers})
    assert place.wizards() == []


async def test_a_socket_that_tells_no_origin_is_refused(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    await enter(browser, place)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect(f"{place.origin}/ws")


async def test_a_page_of_others_cannot_use_the_address_up(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    assert await refused(browser, place.entrance, Origin="http://evil.test")
    await enter(browser, place)


async def test_a_second_tab_is_told_that_there_is_one(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    await enter(browser, place)
    async with browser.ws_connect(f"{place.origin}/ws", headers=own(place)) as first:
        await until_shown(first, SCANNER)
        async with browser.get(place.origin) as answer:
            assert answer.status == 409
            assert "another tab" in await answer.text()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await browser.ws_connect(f"{place.origin}/ws", headers=own(place))
        assert len(place.wizards()) == 1


async def test_the_wizard_ends_with_its_page_which_can_be_opened_again(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    await enter(browser, place)
    for _ in range(2):
        async with browser.ws_connect(f"{place.origin}/ws", headers=own(place)) as socket:
            await until_shown(socket, SCANNER)
            wizards = place.wizards()
            assert len(wizards) == 1
    assert await asyncio.to_thread(psutil.wait_procs, wizards, 30) == (wizards, [])


async def test_a_wizard_that_dies_closes_its_page(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    await enter(browser, place)
    async with browser.ws_connect(f"{place.origin}/ws", headers=own(place)) as socket:
        await until_shown(socket, SCANNER)
        place.wizards()[0].kill()
        async for _ in socket:
            pass
    async with browser.get(place.origin) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_the_wizard_ends_with_the_server(
    browser: aiohttp.ClientSession, number: signal.Signals
) -> None:
    with served() as place:
        await enter(browser, place)
        async with browser.ws_connect(f"{place.origin}/ws", headers=own(place)) as socket:
            await until_shown(socket, SCANNER)
            wizards = place.wizards()
            assert len(wizards) == 1
            os.kill(place.server, number)
            assert await asyncio.to_thread(psutil.wait_procs, wizards, 30) == (wizards, [])


async def test_noise_ends_the_session_and_not_the_server(
    place: Served, browser: aiohttp.ClientSession
) -> None:
    await enter(browser, place)
    for noise in ("no json", '["stdin", 3]'):
        async with browser.ws_connect(f"{place.origin}/ws", headers=own(place)) as socket:
            await until_shown(socket, SCANNER)
            await socket.send_str(noise)
            async for _ in socket:
                pass
    async with browser.get(place.origin) as answer:
        assert answer.status == 200


async def test_only_this_computer_reaches_it(place: Served) -> None:
    told = run(["ss", "--tcp", "--listening", "--numeric", "--no-header"]).text
    served_at = [line.split()[3] for line in told.splitlines() if f":{place.port} " in line]
    assert served_at == [f"127.0.0.1:{place.port}"]
