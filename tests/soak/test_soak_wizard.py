"""The same long day with the wizard in front of it, at which somebody presses all kinds of keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from textual.pilot import Pilot

from flasher.practice.bench import PracticeBench
from flasher.tui.app import FlasherApp
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.workplace import open_workplace
from tests.soak.hand import PATIENCE, Hand
from tests.soak.test_soak import SEED, check_ledger, check_memory

# What writes nothing by itself. Whatever it opens is closed with Escape.
_KEYS = (
    *("tab", "up", "down", "left", "right", "home", "end", "1", "2", "3", "4", "m", "l", "a"),
    *("question_mark", "f8", "f", "d", "enter", "ctrl+t", "space"),
)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.02)


async def fidget(pilot: Pilot[None], bench: BenchScreen, chance: Random) -> None:
    """Press keys; what they open is looked at, and left."""
    while True:
        is_at_bench = pilot.app.screen is bench
        await pilot.press(chance.choice(_KEYS) if is_at_bench else "escape")
        await pilot.pause(0.05)


@pytest.mark.timeout(3600)
async def test_a_long_day_with_the_wizard_in_front_of_it(
    tmp_path, cards, readers, stumbles, monkeypatch
):
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path))
    opened = open_workplace(practice=True, in_haste=True)
    desk = PracticeBench(tmp_path / "practice", readers=readers)
    place = replace(opened, catalog=desk, signal=desk.signal, making=desk.making, desk=desk)
    app = FlasherApp(lambda: place, practice=True)
    async with app.run_test(size=(100, 32), notifications=True) as pilot:
        await until(pilot, lambda: app.is_open)
        for screen in (ScannerScreen, SiteScreen):
            await until(pilot, lambda kind=screen: isinstance(app.screen, kind))
            if isinstance(app.screen, ScannerScreen):
                await until(pilot, lambda: app.screen.is_filled)
            await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        bench = app.screen
        assert isinstance(bench, BenchScreen)
        assert place.image
        chance = Random(SEED * 2000 + cards)  # noqa: S311
        hand = Hand(desk, bench.runner, place.image, chance)
        fidgeting = asyncio.create_task(fidget(pilot, bench, Random(SEED)))  # noqa: S311
        await asyncio.to_thread(hand.work, cards // 3)
        early = await asyncio.to_thread(hand.rest)
        await asyncio.to_thread(hand.work, cards)
        fidgeting.cancel()
        await asyncio.wait([fidgeting])
        assert not fidgeting.done() or fidgeting.cancelled()
        late = await asyncio.to_thread(hand.rest)
        stumbled = [note for note in app._notifications if note.severity == "error"]
        assert not stumbled
        assert app.return_code in (None, 0)
    told = f"{dict(hand.ends)}; {early >> 20} MiB, {late >> 20} MiB"
    print(f"{cards} cards, {readers} lanes, with the wizard: {told}")  # noqa: T201
    assert not stumbles
    assert not hand.wrong
    assert "internal" not in hand.ends
    check_ledger(hand, place.ledger)
    check_memory(cards, early, late)
