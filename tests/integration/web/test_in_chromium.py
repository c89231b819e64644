"""A real browser shows the wizard and works it; a page of others in the same browser cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from tests.integration.web.chromium import REBOUND, Chromium, Tab, chromium
from tests.integration.web.served import HELP, SCANNER, Served, served_here

# Tries all ways in that pages have, and tells what became of each.
HOSTILE = """
Promise.all([
  new Promise((done) => {
    const socket = new WebSocket("ws://127.0.0.1:PORT/ws?width=80&height=24");
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
  }),
  fetch("ORIGIN/", {credentials: "include"}).then(() => "read", () => "refused"),
  new Promise((done) => {
    const script = document.createElement("script");
    script.onload = () => done("loaded");
    script.onerror = () => done("refused");
    script.src = "ORIGIN/static/js/textual.js";
    document.head.append(script);
  }),
])
"""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path / "profile") as found:
        yield found


@pytest.fixture
async def place() -> AsyncIterator[Served]:
    async with served_here() as found:
        yield found


@pytest.fixture
async def others(unused_tcp_port: int) -> AsyncIterator[int]:
    """The port of a server of others on this computer."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(
            text="<!DOCTYPE html><title>Free cats</title>", content_type="text/html"
        )

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield unused_tcp_port
    await runner.cleanup()


async def shows_the_wizard(tab: Tab, place: Served) -> None:
    await tab.open(place.entrance)
    await tab.until_drawn(SCANNER)


async def test_the_first_screen_is_drawn_and_a_key_arrives(
    browser: Chromium, place: Served
) -> None:
    tab = await browser.tab()
    await shows_the_wizard(tab, place)
    while not await tab.evaluate("document.body.classList.contains('-first-byte')"):
        await asyncio.sleep(0)
    assert await tab.evaluate("document.querySelector('.xterm-screen').clientWidth") > 700
    assert len(set(await tab.picture())) > 50
    assert await tab.evaluate("location.href") == f"{place.origin}/"  # no token in the history

    await tab.press("F1", "F1", 112)
    await tab.until_drawn(HELP)


async def test_a_hostile_page_in_the_same_browser_cannot_drive_it(
    browser: Chromium, place: Served, others: int
) -> None:
    await shows_the_wizard(await browser.tab(), place)
    script = HOSTILE.replace("PORT", str(place.port)).replace("ORIGIN", place.origin)
    for host in (REBOUND, "127.0.0.1"):  # another site; and the same, whose pages get the cookie
        tab = await browser.tab()
        await tab.open(f"http://{host}:{others}/")
        while await tab.evaluate("document.title") != "Free cats":
            await asyncio.sleep(0)
        assert await tab.evaluate(script) == ["refused", "refused", "refused"]
    assert len(place.wizards()) == 1


async def test_a_name_that_is_made_to_point_here_opens_nothing(
    browser: Chromium, place: Served
) -> None:
    tab = await browser.tab()
    await tab.open(place.entrance.replace("127.0.0.1", REBOUND))
    while not await tab.evaluate("document.querySelector('h1')?.textContent"):
        await asyncio.sleep(0)
    assert await tab.evaluate("document.querySelector('h1').textContent") == "No entry"
    await shows_the_wizard(tab, place)  # the token is as good as before


async def test_a_second_tab_is_told(browser: Chromium, place: Served) -> None:
    await shows_the_wizard(await browser.tab(), place)
    second = await browser.tab()
    await second.open(place.origin)
    while not await second.evaluate("document.querySelector('h1')?.textContent"):
        await asyncio.sleep(0)
    assert "another tab" in await second.evaluate("document.body.textContent")


async def test_a_tab_asks_before_it_is_left_and_the_wizard_ends_with_it(
    browser: Chromium, place: Served
) -> None:
    tab = await browser.tab()
    await shows_the_wizard(tab, place)
    await tab.press("F1", "F1", 112)  # browsers ask only where somebody did something
    await tab.until_drawn(HELP)
    wizards = place.wizards()
    await tab.open("about:blank")
    assert tab.questions == ["beforeunload"]
    assert await asyncio.to_thread(psutil.wait_procs, wizards, 30) == (wizards, [])
