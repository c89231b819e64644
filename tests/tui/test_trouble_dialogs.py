"""A card that failed says what happened, why and what to do; one from the rig says what failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autosetup.codes import CODES
from flasher.bench.model import Lane
from flasher.drives.files import file_drive
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import RigMap
from flasher.tui.screens.autopsy import AutopsyScreen, Remedy
from flasher.tui.screens.trouble import TroubleScreen
from flasher.tui.trouble import Way
from flasher.tui.troubles.nodes import NODES
from flasher.tui.widgets.details import Details
from tests.tui.returned_cards import (
    SCRIPT_FAILED,
    autopsy_lane,
    demo_rig,
    failed_lane,
    make_card,
    put,
    said,
)
from tests.tui.technician import Technician

Fail = Callable[..., Lane]


@pytest.fixture
def rig(folder: Path) -> RigMap:  # noqa: ARG001  (it sets the folders)
    return demo_rig()


@pytest.fixture
def returned(tmp_path: Path, base_image: Path, rig: RigMap) -> Path:
    """A card that came back from the rig, where a script failed."""
    card = tmp_path / "card.img"
    made = make_card(card, base_image, rig, Ledger())
    log = "".join(f"line {number}\n" for number in range(300)) + "No camera\x1b[2J found.\n"
    put(card, said(made, SCRIPT_FAILED, log))
    return card


async def open_trouble(technician: Technician, lane: Lane) -> list[Way | None]:
    chosen: list[Way | None] = []
    technician.app.push_screen(TroubleScreen(lane), chosen.append)
    await technician.see(TroubleScreen)
    return chosen


async def open_autopsy(
    technician: Technician, lane: Lane, *, in_rig: bool = True, quiet_seconds: float = 0.0
) -> list[Remedy | None]:
    chosen: list[Remedy | None] = []
    technician.app.push_screen(
        AutopsyScreen(lane, in_rig=in_rig, quiet_seconds=quiet_seconds), chosen.append
    )
    await technician.see(AutopsyScreen)
    return chosen


async def test_a_failed_lane_says_what_happened_why_and_what_to_do(sit_down, rig, returned):
    async with sit_down() as technician:
        await open_trouble(technician, failed_lane(file_drive(returned), rig, "card-pulled"))
        seen = technician.read()
        assert "cam-0103 · SEG1-CAM3" in seen
        assert "The card was pulled out before it was ready." in seen
        assert "Why Somebody took it out" in seen
        assert "What to do Put the same card back in" in seen
        assert "Go on" in seen
        assert "The engine says" not in seen


@pytest.mark.parametrize(
    ("key", "way"),
    [("r", Way.RETRY), ("o", Way.OTHER_CARD), ("s", Way.SKIP), ("escape", None)],
)
async def test_each_way_out_has_a_key_and_escape_changes_nothing(sit_down, rig, returned, key, way):
    async with sit_down() as technician:
        chosen = await open_trouble(
            technician, failed_lane(file_drive(returned), rig, "card-failed")
        )
        await technician.press(key)
        await technician.until(lambda: bool(chosen))
        assert chosen == [way]


async def test_a_counterfeit_card_is_not_offered_to_be_tried_again(sit_down, rig, returned):
    async with sit_down() as technician:
        chosen = await open_trouble(
            technician, failed_lane(file_drive(returned), rig, "card-counterfeit")
        )
        assert "Try again" not in technician.read()
        assert "does not hold the 16.8 MB that it announces" in technician.read()
        await technician.press("r")
        assert isinstance(technician.app.screen, TroubleScreen)
        await technician.press("enter")
        await technician.until(lambda: bool(chosen))
        assert chosen == [Way.OTHER_CARD]


async def test_the_details_are_a_key_away_and_can_be_copied(sit_down, rig, returned):
    async with sit_down() as technician:
        lane = failed_lane(file_drive(returned), rig, "card-failed", "A place was written twice.")
        await open_trouble(technician, lane)
        await technician.press("v")
        await technician.until(lambda: "The engine says card-failed." in technician.read())
        await technician.press("c")
        copied = technician.app.clipboard
        assert "What to do: Try it in another reader" in copied
        for part in ("The engine's hint.", "(card-failed)", "! A place", str(returned), "cam-0103"):
            assert part in copied
        await technician.press("v")
        await technician.until(lambda: "The engine says" not in technician.read())


async def test_a_card_from_the_rig_names_node_step_reason_and_what_to_do(sit_down, rig, returned):
    before = returned.read_bytes()
    async with sit_down() as technician:
        chosen = await open_autopsy(technician, autopsy_lane(returned, rig))
        seen = technician.read()
        assert "cam-0103, failed" in seen
        assert "Step scripts (7 of 9)" in seen
        assert "20-camera ended with 1: No camera found." in seen
        assert "A script ended with an error" in seen
        assert "Check what it needs on the Pi" in seen
        assert technician.app.focused.id == "back"
        await technician.press("escape")
        await technician.until(lambda: bool(chosen))
        assert chosen == [None]
    assert returned.read_bytes() == before


async def test_what_the_node_said_last_is_read_when_it_is_wanted(sit_down, rig, returned):
    async with sit_down() as technician:
        await open_autopsy(technician, autopsy_lane(returned, rig))
        await technician.press("v")
        await technician.until(lambda: "No camera\\x1b[2J found." in technician.read())
        assert "line 298" in technician.read()
        details = technician.app.screen.query_one(Details)
        assert len(details.text.splitlines()) == 200
        await technician.press("c")
        assert "No camera" in technician.app.clipboard


@pytest.mark.parametrize(
    ("key", "remedy"),
    [("r", Remedy.AGAIN), ("n", Remedy.NEW_PAYLOAD), ("m", Remedy.ANEW), ("escape", None)],
)
async def test_each_remedy_has_a_key(sit_down, rig, returned, key, remedy):
    async with sit_down() as technician:
        chosen = await open_autopsy(technician, autopsy_lane(returned, rig))
        await technician.press(key)
        await technician.until(lambda: bool(chosen))
        assert chosen == [remedy]


@pytest.mark.parametrize("key", ["r", "n", "m", "v"])
async def test_letters_meant_for_the_bench_do_nothing_in_a_window_that_opened_by_itself(
    sit_down, rig, returned, key
):
    async with sit_down() as technician:
        lane = autopsy_lane(returned, rig)
        chosen = await open_autopsy(technician, lane, quiet_seconds=3600)
        await technician.press(key)
        assert isinstance(technician.app.screen, AutopsyScreen)
        assert not technician.app.screen.query_one(Details).display
        await technician.press("escape")
        await technician.until(lambda: bool(chosen))
        assert chosen == [None]


async def test_after_a_moment_its_letters_count(sit_down, rig, returned):
    async with sit_down() as technician:
        lane = autopsy_lane(returned, rig)
        chosen = await open_autopsy(technician, lane, quiet_seconds=0.01)
        await technician.press_once_heard("r")
        await technician.until(lambda: bool(chosen))
        assert chosen == [Remedy.AGAIN]


async def test_a_card_of_another_rig_gets_no_settings_of_this_one(sit_down, rig, returned):
    async with sit_down() as technician:
        await open_autopsy(technician, autopsy_lane(returned, rig), in_rig=False)
        assert technician.app.screen.ways == (Remedy.AGAIN, Remedy.ANEW)
        assert "New settings" not in technician.read()


async def test_a_damaged_card_is_not_tried_again_as_it_is(sit_down, rig, returned):
    put(returned, {"node.toml": b"not what was written"})
    async with sit_down() as technician:
        await open_autopsy(technician, autopsy_lane(returned, rig))
        assert technician.app.screen.ways == (Remedy.NEW_PAYLOAD, Remedy.ANEW)
        assert "is not what was written to it" in technician.read()


async def test_a_card_that_was_taken_out_says_so_where_its_words_should_be(sit_down, rig, returned):
    async with sit_down() as technician:
        await open_autopsy(technician, autopsy_lane(returned, rig))
        returned.unlink()
        await technician.press("v")
        await technician.until(lambda: "→" in technician.app.screen.query_one(Details).text)


def test_every_failure_of_a_node_has_words():
    assert NODES.keys() == CODES.keys()
