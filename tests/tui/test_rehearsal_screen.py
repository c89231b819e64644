"""Real boots in sight of the technician, of cards so small that they end within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from autosetup.status import Status
from flasher.rehearsal.run import Rehearsal
from flasher.tui.rehearsals import card_in, card_of
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.rehearsal import RehearsalScreen
from flasher.tui.screens.scanner import ScannerScreen
from tests.integration.rehearsal.conftest import make_card as small_card  # noqa: F401
from tests.integration.rehearsal.conftest import put
from tests.tui.returned_cards import NODE, demo_rig
from tests.tui.technician import Technician
from tests.unit.rig.sample_entry import ENTRY

SmallCard = Callable[..., Path]
DONE = Status("done", node=NODE, generation=1, card_id=ENTRY.card_id)


@pytest.fixture(autouse=True)
def no_emulator_left() -> Iterator[None]:
    yield
    assert emulators() == []


def emulators() -> list[str]:
    children = psutil.Process().children(recursive=True)
    return [child.name() for child in children if child.name().startswith("qemu")]


async def rehearse(technician: Technician, card: Path) -> list[Rehearsal | None]:
    ended: list[Rehearsal | None] = []
    ledger = technician.app.workplace.ledger
    technician.app.push_screen(RehearsalScreen(NODE, card_in(card), ledger), ended.append)
    await technician.see(RehearsalScreen)
    return ended


async def end(technician: Technician) -> None:
    screen = await technician.see(RehearsalScreen)
    await technician.until(lambda: not screen.busy and screen.has_class("-ended"), turns=3000)


async def test_a_card_that_does_not_come_up_shows_its_console_and_why(sit_down, small_card):  # noqa: F811
    card = small_card(says="Booting\r\nKernel panic - not syncing: no root\r\n")
    before = card.read_bytes()
    async with sit_down() as technician:
        ended = await rehearse(technician, card)
        await end(technician)
        seen = technician.read()
        assert "✗ cam-0103 did not come up" in seen
        assert "The kernel on the card gave up." in seen
        assert "Kernel panic - not syncing: no root" in seen
        await technician.press("c")
        assert "Booting" in technician.app.clipboard
        await technician.press("escape")
        await technician.until(lambda: bool(ended))
        assert ended == [None]
        assert technician.ledger() == ()
    assert card.read_bytes() == before


async def test_a_node_that_is_done_is_told_big_and_in_the_ledger(sit_down, small_card):  # noqa: F811
    card = small_card(says=f"up\r\n{NODE} login:")
    put(card, {"autosetup/manifest.json": b"{}", "autosetup/status.json": DONE.to_json()})
    async with sit_down() as technician:
        technician.app.workplace.ledger.record(replace(ENTRY, node=NODE))
        ended = await rehearse(technician, card)
        await end(technician)
        assert "✓ cam-0103 came up and is done" in technician.read()
        assert [line.result for line in technician.ledger()] == ["verified", "rehearsed"]
        await technician.press("enter")
        await technician.until(lambda: bool(ended))
        assert ended[0] is not None
        assert ended[0].status == DONE


async def test_escape_asks_and_a_rehearsal_that_is_stopped_leaves_no_emulator(
    sit_down,
    small_card,  # noqa: F811
):
    async with sit_down() as technician:
        ended = await rehearse(technician, small_card(says="up\r\n"))
        await technician.until(lambda: "up" in technician.read().split())
        assert emulators() != []
        await technician.press("escape")
        await technician.see(QuestionScreen)
        await technician.press("escape")
        await technician.see(RehearsalScreen)
        await technician.press("escape")
        await technician.see(QuestionScreen)
        await technician.press("tab", "enter")
        await end(technician)
        assert emulators() == []
        assert "was stopped" in technician.read()
        await technician.press("escape")
        await technician.see(ScannerScreen)
        assert ended == [None]


async def test_an_emulator_that_is_killed_is_told_and_the_wizard_stays(sit_down, small_card):  # noqa: F811
    async with sit_down() as technician:
        await rehearse(technician, small_card(says="up\r\n"))
        await technician.until(lambda: "up" in technician.read().split())
        for child in psutil.Process().children(recursive=True):
            child.kill()
        await end(technician)
        assert "✗ cam-0103 did not come up" in technician.read()
        assert "switched itself off" in technician.read()


async def test_leaving_the_wizard_switches_the_emulated_pi_off(sit_down, small_card):  # noqa: F811
    async with sit_down() as technician:
        await rehearse(technician, small_card(says="up\r\n"))
        await technician.until(lambda: emulators() != [])
        technician.app.exit()
    for _ in range(1000):
        if not emulators():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("The emulated Pi runs on.")


async def test_quitting_asks_and_waits_until_the_emulated_pi_is_off(sit_down, small_card):  # noqa: F811
    async with sit_down() as technician:
        await rehearse(technician, small_card(says="up\r\n"))
        await technician.until(lambda: emulators() != [])
        await technician.press("ctrl+q")
        await technician.see(QuestionScreen)
        await technician.press("tab", "enter")
        await technician.until(lambda: technician.app._exit)
        assert emulators() == []


async def test_a_card_that_is_only_planned_needs_no_reader(sit_down):
    """The small image has no kernel, which is what a rehearsal finds out first."""
    async with sit_down() as technician:
        rig, image = demo_rig(), technician.app.image_status
        choice = card_of(rig, rig.find(NODE), image)
        screen = RehearsalScreen(NODE, choice, technician.app.workplace.ledger)
        technician.app.push_screen(screen)
        await end(technician)
        assert "The card lacks a file that every start needs." in technician.read()
