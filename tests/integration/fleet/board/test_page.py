"""The board's page in a real browser: live, worked by keys, readable, and never obeying a node."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flasher.fleet.board.model import Board
from tests.integration.fleet.board.served import Served, serving
from tests.integration.web.chromium import Chromium, Tab, chromium
from tests.tui.board_rig import SECOND, Holder, lively, quiet, report

FIRST = Holder("2".zfill(32), "cam-0101", "camera", "SEG1-CAM1", 0)
PICTURE = Path(__file__).parents[4] / "docs/pictures/board-page.png"
WORDS = Path(__file__).with_name("pictured.txt")
PICTURED: dict[str, Any] = {"width": 1000, "height": 620, "deviceScaleFactor": 1, "mobile": False}
PASSING = re.compile(r"^\d+ (s|min) ago$")
# The contrast of two colours, by WCAG 2.2, 1.4.3; each pair of text and what is behind it.
CONTRASTS = """
(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => parts(text).slice(0, 3)
    .map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!(parts(colour)[3] === 0)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const says = (element) =>
    [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
  const texts = [...document.body.querySelectorAll("*")].filter((element) =>
    element.checkVisibility() && says(element));
  return texts.map((element) => {
    const both = [light(getComputedStyle(element).color), light(behind(element))];
    const [a, b] = both.sort((x, y) => y - x);
    return [element.outerHTML.slice(0, 80), (a + 0.05) / (b + 0.05)];
  }).filter(([, contrast]) => contrast < 4.5);
})()
"""
NAMELESS = """
[...document.querySelectorAll("button, input")].filter((each) => each.checkVisibility() &&
  !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length)).length
"""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path / "profile") as found:
        yield found


@pytest.fixture
async def place() -> AsyncIterator[Served]:
    async with serving(lively()) as found:
        yield found


async def until(tab: Tab, script: str, wanted: object = True) -> None:
    async with asyncio.timeout(60):
        while await tab.evaluate(script) != wanted:
            await asyncio.sleep(0.01)


async def text(tab: Tab, selector: str) -> str:
    found = await tab.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
    return str(found)


async def until_text(tab: Tab, selector: str, words: str) -> None:
    place, wanted = json.dumps(selector), json.dumps(words)
    await until(tab, f"document.querySelector({place})?.innerText.includes({wanted}) ?? false")


async def click(tab: Tab, selector: str) -> None:
    await tab.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


async def opened(browser: Chromium, place: Served) -> Tab:
    tab = await browser.tab()
    await tab.open(place.entrance)
    await until_text(tab, "#contact", "● live")
    return tab


async def facts(tab: Tab) -> dict[str, str]:
    """What stands in the list of the node that is chosen, by its label."""
    pairs = "[...document.querySelectorAll('#facts dt')]"
    told = await tab.evaluate(
        f"{pairs}.map((each) => [each.innerText, each.nextSibling.innerText])"
    )
    return dict(told)


def cell(name: str) -> str:
    return f'button[data-name="{name}"]'


async def press(tab: Tab, *keys: str) -> None:
    for key in keys:
        number = {"ArrowRight": 39, "ArrowDown": 40, "ArrowUp": 38, "Enter": 13}[key]
        await tab.press(key, key, number)


def says(board: Board, **told: object) -> Board:
    """The first camera says this."""
    said = report(FIRST, 2, **told)
    return board.heard(said, "10.20.0.2", board.now + SECOND)


async def test_every_node_stands_in_its_place_with_its_sign_and_its_words(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    assert await tab.evaluate("document.querySelectorAll('[role=gridcell]').length") == 113
    assert await tab.evaluate("location.search") == ""  # no token where others see it
    assert "Camera node × 112" in await text(tab, "#grids")
    assert "✗ 1 failed" in await text(tab, "#counts")
    assert "Update 1795240000: it goes out" in await text(tab, "#rollout")
    await click(tab, cell("cam-0105"))
    told = await text(tab, "#node")
    assert "cam-0105 · SEG1-CAM5" in told
    assert "✗ failed at scripts" in told
    assert "50-calibrate ended with 3. See log.txt on the card." in told
    assert "48 °C" in told


async def test_all_that_a_node_tells_of_itself_can_be_read(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    await click(tab, cell("cam-0307"))
    told = await facts(tab)
    assert told["Clock"] == "4.0 s slow"
    assert (told["Heat"], told["Card worn"], told["Agent"]) == ("48 °C", "10 %", "0.1.0")
    assert told["Generation"] == "1795240000"
    assert told["Heard"].endswith(" s ago")
    await click(tab, cell("cam-0505"))
    assert (await facts(tab))["Card worn"] == "90 %"
    assert "nearly worn out" in await text(tab, "#words")


async def test_the_guide_shows_the_page_as_it_is(browser: Chromium, place: Served) -> None:
    """By its words: computers draw letters in their own ways; ``UPDATE_SNAPSHOTS=1`` makes both."""
    tab = await browser.tab()
    await tab.call("Emulation.setDeviceMetricsOverride", **PICTURED)
    light = [{"name": "prefers-color-scheme", "value": "light"}]
    await tab.call("Emulation.setEmulatedMedia", features=light)
    await tab.open(place.entrance)
    await until_text(tab, "#contact", "● live")
    await click(tab, cell("cam-0105"))
    words = await tab.evaluate("document.body.innerText")
    seen = "\n".join(PASSING.sub("", line) for line in words.splitlines())
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PICTURE.write_bytes(await tab.picture())
        WORDS.write_text(seen + "\n")
    assert seen + "\n" == WORDS.read_text()


async def test_of_a_node_that_is_missing_the_last_word_is_told(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    failed = says(place.board, state="failed", step="scripts", reason="The lens is not there.")
    place.tell(failed.at(failed.now + 60 * SECOND))
    await until_text(tab, cell("cam-0101"), "?")
    await click(tab, cell("cam-0101"))
    await until_text(tab, "#state", "? missing for ")
    state = await text(tab, "#state")
    assert state.endswith("last word: failed")
    assert "The lens is not there." in await text(tab, "#words")


async def test_the_old_card_of_a_node_is_told_with_its_address(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    await click(tab, cell("cam-0103"))
    assert "10.20.3.99" in await text(tab, "#words")


async def test_a_node_that_a_copy_of_its_card_silenced_is_told_with_what_to_do(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    silenced = place.board.at(place.board.now + 60 * SECOND)
    place.tell(silenced.copied(FIRST.card_id, "10.20.0.66", silenced.now))
    await click(tab, cell("cam-0101"))
    await until_text(tab, "#state", "missing")
    told = await text(tab, "#node")
    assert "Two computers report with this card's key." in told
    assert "make a new card for this node" in told
    assert "10.20.0.66" in told
    assert "Look at its power" not in told


async def test_what_a_node_says_is_seen_at_once_and_its_silence_too(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    assert await text(tab, cell("cam-0101")) == "✓"
    board = says(place.board, state="applying", step="packages", step_number=5, step_count=9)
    place.tell(board)
    await until_text(tab, cell("cam-0101"), "▶")
    label = f"document.querySelector('{cell('cam-0101')}').getAttribute('aria-label')"
    assert "applying, step 5 of 9: packages" in await tab.evaluate(label)
    place.tell(board.at(board.now + 40 * SECOND))
    await until_text(tab, cell("cam-0101"), "?")


async def test_keys_move_from_node_to_node_and_over_to_the_next_role(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    await tab.evaluate("document.querySelector('[role=gridcell]').focus()")
    await press(tab, "ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown")
    await until_text(tab, "#name", "cam-0203")
    await press(tab, "ArrowUp", "ArrowUp", "ArrowUp")
    await until_text(tab, "#name", "controller")


async def test_a_node_is_found_by_what_stands_on_its_label(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    await tab.evaluate("document.querySelector('#wanted').value = 'seg9-cam4'")
    await tab.evaluate("document.querySelector('#find').requestSubmit()")
    await until_text(tab, "#name", "cam-0904")
    assert await tab.evaluate("document.activeElement.dataset.name") == "cam-0904"


async def test_only_those_in_trouble_are_listed_with_what_ails_them(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    await click(tab, "#troubled")
    listed = (await text(tab, "#list")).splitlines()
    assert "✗ cam-0105 failed at scripts" in listed
    assert "! cam-0306 done, hot" in listed
    assert len(listed) == 7


async def test_a_blink_is_asked_for_and_shown(browser: Chromium, place: Served) -> None:
    tab = await opened(browser, place)
    await click(tab, cell("cam-0101"))
    await click(tab, "#blink")
    async with asyncio.timeout(60):
        while FIRST.card_id not in place.board.blinks:
            await asyncio.sleep(0.01)
    place.tell(place.board)
    await until_text(tab, cell("cam-0101"), "✱")


async def test_the_walk_ends_with_the_command_that_puts_right_what_was_mixed_up(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    await click(tab, cell("cam-0101"))
    await click(tab, "#walk")
    await until_text(tab, "#walk-title", "SEG1-CAM1 (cam-0101)")
    await click(tab, "#other")
    await tab.evaluate("document.querySelector('#place').value = 'cam-0102'")
    await tab.evaluate("document.querySelector('#elsewhere').requestSubmit()")
    await until_text(tab, "#walk-title", "cam-0102")
    await click(tab, "#unseen")
    await click(tab, "#right")
    await click(tab, "#end")
    await until_text(tab, "#walk-title", "cam-0101 ↔ cam-0102")
    assert "Not seen: cam-0102" in await text(tab, "#walk-words")
    assert await text(tab, "#command") == (
        "flasher release new --scanner body-16x7 --site studio "
        "--node cam-0101,cam-0102 --swap cam-0101=cam-0102"
    )
    assert FIRST.card_id in place.board.blinks


async def test_a_walk_in_a_rig_in_which_no_node_speaks_says_so(
    browser: Chromium, place: Served
) -> None:
    tab = await opened(browser, place)
    place.tell(place.board.at(place.board.now + 600 * SECOND))
    await until_text(tab, cell("cam-0101"), "?")
    await click(tab, "#walk")
    await until_text(tab, "#walk-title", "No node speaks yet")
    buttons = "[...document.querySelectorAll('#walking button')].filter((b) => b.checkVisibility())"
    assert await tab.evaluate(f"{buttons}.map((button) => button.id)") == ["end"]
    assert await text(tab, "#command") == ""


async def test_a_walk_without_a_server_says_so_and_can_be_ended(browser: Chromium) -> None:
    async with serving(lively()) as place:
        tab = await opened(browser, place)
    await until_text(tab, "#contact", "no contact")
    await click(tab, "#walk")
    await until_text(tab, "#walk-title", "No contact with the server.")
    await click(tab, "#end")
    assert await tab.evaluate("document.querySelector('#walking').hidden") is True


async def test_what_a_node_says_is_never_markup(browser: Chromium, place: Served) -> None:
    tab = await opened(browser, place)
    hostile = "<img src=x onerror=document.title='owned'><b>"
    place.tell(says(place.board, state="failed", step=hostile, reason=hostile, model=hostile))
    await until_text(tab, cell("cam-0101"), "✗")
    await click(tab, cell("cam-0101"))
    await until_text(tab, "#words", hostile)
    assert await tab.evaluate("document.querySelectorAll('img, b').length") == 0
    assert await tab.evaluate("document.title") == "Flasher: board"


async def test_where_events_do_not_come_through_the_board_is_asked_for(
    browser: Chromium,
) -> None:
    async with serving(quiet(), events=False) as place:
        tab = await browser.tab()
        await tab.open(place.entrance)
        await until_text(tab, "#contact", "every two seconds")
        place.tell(says(place.board, state="failed"))
        await until_text(tab, cell("cam-0101"), "✗")


async def test_a_server_that_ends_is_told_and_nothing_is_forgotten(browser: Chromium) -> None:
    async with serving(lively()) as place:
        tab = await opened(browser, place)
    await until_text(tab, "#contact", "no contact")
    assert await text(tab, cell("cam-0105")) == "✗"


@pytest.mark.parametrize("light", ["dark", "light"])
async def test_all_of_it_can_be_read_and_has_a_name_in_both_lights(
    browser: Chromium, place: Served, light: str
) -> None:
    tab = await browser.tab()
    features = [{"name": "prefers-color-scheme", "value": light}]
    await tab.call("Emulation.setEmulatedMedia", features=features)
    await tab.open(place.entrance)
    await until_text(tab, "#contact", "● live")
    for name in ("cam-0105", "cam-0306"):
        await click(tab, cell(name))
        await click(tab, "#walk")
        await until_text(tab, "#walk-words", "Node 1 of")
        assert await tab.evaluate(CONTRASTS) == []
        assert await tab.evaluate(NAMELESS) == 0
        await click(tab, "#end")


async def test_on_a_phone_nothing_runs_off_the_page(browser: Chromium, place: Served) -> None:
    tab = await browser.tab()
    size: dict[str, Any] = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    await tab.call("Emulation.setDeviceMetricsOverride", **size)
    await tab.open(place.entrance)
    await until_text(tab, "#contact", "● live")
    await click(tab, cell("cam-0105"))
    await click(tab, "#walk")
    await until_text(tab, "#walk-words", "Node 1 of")
    assert await tab.evaluate("document.documentElement.scrollWidth") <= 360


async def test_nothing_is_shown_to_whoever_has_not_the_address(
    browser: Chromium, place: Served
) -> None:
    tab = await browser.tab()
    await tab.open(place.url)
    await until_text(tab, "body", "flasher serve")
    assert await tab.evaluate("fetch('/board.json').then((answer) => answer.status)") == 403
    walk = "fetch('/walk', {method: 'POST', body: '{}'}).then((answer) => answer.status)"
    assert await tab.evaluate(walk) == 403
