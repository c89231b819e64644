"""How trouble and the end look, at the sizes that people have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.screen import Screen

from flasher.bench.model import Autopsy, BenchState, Lane, NodeState
from flasher.card.advice import advise
from flasher.card.inspect import CardReport
from flasher.drives.model import Drive
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import RigMap
from flasher.tui.rehearsals import card_in
from flasher.tui.screens.autopsy import AutopsyScreen
from flasher.tui.screens.done import DoneScreen
from flasher.tui.screens.rehearsal import RehearsalScreen
from flasher.tui.screens.trouble import TroubleScreen
from tests.integration.rehearsal.conftest import make_card as small_card  # noqa: F401
from tests.tui.pictures import check_picture
from tests.tui.returned_cards import NODE, SCRIPT_FAILED, demo_rig, failed_lane
from tests.tui.technician import Technician

SmallCard = Callable[..., Path]
SMALL, WIDE = (80, 24), (120, 36)
CARD = Drive(Path("/dev/sdx"), 15_931_539_456, "usb", vendor="Generic", model="SD/MMC")


@pytest.fixture
def rig(folder: Path) -> RigMap:  # noqa: ARG001  (it sets the folders)
    return demo_rig()


async def draw(technician: Technician, screen: Screen[object], name: str) -> None:
    """Over an empty screen, so that what other screens show does not matter."""
    await technician.app.push_screen(Screen())
    await technician.app.push_screen(screen)
    await technician.until(lambda: screen.is_mounted and technician.app.screen is screen)
    await technician.pilot.pause()
    check_picture(technician.app, name)


async def test_a_card_that_failed(sit_down, rig):
    lane = failed_lane(CARD, rig, "card-pulled")
    async with sit_down(size=SMALL) as technician:
        await draw(technician, TroubleScreen(lane), "trouble")


async def test_a_card_from_the_rig(sit_down, rig):
    said = replace(SCRIPT_FAILED, node=NODE, pi_model="Raspberry Pi 4 Model B Rev 1.5")
    report = CardReport(f"{NODE}, failed", status=said, started=True)
    lane = Lane("usb 1-2", CARD, rig.find(NODE), Autopsy(report, advise(report)))
    async with sit_down(size=SMALL) as technician:
        await draw(technician, AutopsyScreen(lane), "autopsy")


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_end(sit_down, rig, size):
    states = {node.name: NodeState.READY for node in rig.nodes}
    states |= {"cam-0101": NodeState.ALIVE, "cam-0102": NodeState.REHEARSED}
    states |= {NODE: NodeState.FAILED, "cam-0104": NodeState.TODO}
    bench = BenchState(rig.nodes, states)
    async with sit_down(size=size) as technician:
        screen = DoneScreen(
            technician.app.workplace, rig, lambda: bench, None, on_rehearsed=states.get
        )
        await draw(technician, screen, "done")


async def test_a_rehearsal_that_failed(sit_down, small_card):  # noqa: F811
    card = small_card(says="Booting\r\nKernel panic - not syncing: no root\r\n")
    async with sit_down(size=SMALL) as technician:
        screen = RehearsalScreen(NODE, card_in(card), Ledger())
        technician.app.push_screen(screen)
        await technician.until(lambda: not screen.busy and screen.has_class("-ended"), turns=3000)
        await technician.pilot.pause()
        check_picture(technician.app, "rehearsal")
