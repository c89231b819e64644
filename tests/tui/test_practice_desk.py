"""The practice desk is the hand at the readers: it puts cards in, pulls, breaks and mends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.bench.model import Autopsy, Failed, Offered, Ready, Refused, Working
from flasher.drives.model import Drive
from flasher.practice.bench import PracticeCard
from flasher.practice.condition import BROKEN, WELL
from flasher.tui.practice_words import title
from flasher.tui.screens.autopsy import AutopsyScreen
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.practice import PracticeScreen
from flasher.tui.screens.scanner import ScannerScreen
from tests.tui.pictures import check_picture


async def go_to_desk(technician):
    await technician.press("f8")
    screen = await technician.see(PracticeScreen)
    await technician.until(lambda: screen.cards)
    return screen


async def test_a_reader_is_emptied_and_filled_by_hand(sit_down):
    async with sit_down() as technician:
        desk = technician.app.workplace.desk
        await technician.go_to_bench()
        await go_to_desk(technician)
        await technician.press("shift+tab", "down", "enter")
        await technician.until(lambda: desk.inside(2) is None)
        await technician.press("tab", "down", "enter")
        await technician.until(lambda: desk.inside(2) == "photos-1")
        await technician.press("escape")
        await technician.see(BenchScreen)
        await technician.until(lambda: technician.lane(2).phase == Offered("foreign"))


def test_a_half_made_card_of_the_box_says_whose_it_becomes():
    drive = Drive(Path("new-1.card"), 8 * 10**9, "file", holds="half made: cam-0104")
    assert title(PracticeCard("new-1", "new", WELL, drive=drive)) == "half made: cam-0104"


async def test_a_card_goes_into_the_reader_whose_number_is_pressed(sit_down):
    async with sit_down() as technician:
        desk = technician.app.workplace.desk
        desk.pull(3)
        await go_to_desk(technician)
        await technician.press("end", "3")
        await technician.until(lambda: desk.inside(3) == "disk-1")
        await technician.press("escape")
        await technician.see(ScannerScreen)
        await technician.go_to_bench()
        lane = await technician.until_lane(Refused, 3)
        assert "no card in a card reader" in lane.phase.why


async def test_a_full_reader_is_told(sit_down):
    async with sit_down() as technician:
        await go_to_desk(technician)
        await technician.press("enter")
        await technician.until(lambda: "Pull a card first" in technician.told())
        await technician.press("1")
        await technician.until(lambda: "no room for a card" in technician.told())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_what_is_told_leaves_every_card_and_reader_in_sight(sit_down, size):
    async with sit_down(size=size) as technician:
        await go_to_desk(technician)
        everything = ["reader 1", "reader 3", "a camera's card", "a disk of this computer", "auto"]
        await technician.until(lambda: all(words in technician.read() for words in everything))
        await technician.press("enter", "1")
        told = ("Pull a card first", "no room for a card")
        await technician.until(lambda: all(words in technician.read() for words in told))
        assert [words for words in everything if words not in technician.read()] == []


async def test_pulled_while_it_is_written_and_put_back_a_card_is_gone_on_with(sit_down, gate):
    async with sit_down() as technician:
        desk = technician.app.workplace.desk
        await technician.go_to_bench()
        technician.move_image_behind(gate)
        gate.clear()
        await technician.press("enter")
        await technician.until_lane(Working)
        await technician.until(lambda: desk.box()[0].is_held)
        await go_to_desk(technician)
        assert "being written" in technician.read()
        await technician.press("shift+tab")
        await technician.until(lambda: "Try it: pull it now" in technician.read())
        await technician.press("enter")
        await technician.until(lambda: desk.inside(1) is None)
        gate.set()
        lane = await technician.until_lane(Failed)
        assert lane.phase.error.code == "card-pulled"
        await technician.press("escape")
        await technician.see(BenchScreen)
        desk.insert(1, "new-1")
        await technician.until(lambda: technician.lane().drive is not None)
        await technician.press("1", "r")
        await technician.until_lane(Ready)


async def test_a_card_is_broken_and_mended_with_the_same_key(sit_down):
    async with sit_down() as technician:
        desk = technician.app.workplace.desk
        await technician.go_to_bench()
        await go_to_desk(technician)
        await technician.press("shift+tab", "b")
        await technician.until(lambda: "a new card · broken" in technician.read())
        assert desk.condition_of("new-1") == BROKEN
        await technician.press("escape")
        await technician.make_card()
        assert isinstance(technician.lane().phase, Failed)
        await go_to_desk(technician)
        await technician.press("shift+tab", "b")
        await technician.until(lambda: desk.condition_of("new-1") == WELL)


async def test_a_card_from_the_rig_opens_its_autopsy_by_itself(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("failed-1")
        await technician.until_lane(Autopsy)
        await technician.see(AutopsyScreen)
        assert "no camera was found" in technician.read()


async def test_a_made_card_lies_in_the_box_until_it_is_thrown_away(sit_down):
    async with sit_down() as technician:
        desk = technician.app.workplace.desk
        await technician.go_to_bench()
        await technician.make_card()
        desk.pull(1)
        await go_to_desk(technician)
        await technician.until(lambda: "made: controller" in technician.read())
        await technician.press("down", "d")
        await technician.until(lambda: "made: controller" not in technician.read())


async def test_where_cards_are_real_there_is_no_desk(sit_down):
    async with sit_down(desk=None) as technician:
        await technician.press("f8")
        assert "Practice desk" not in technician.read()
        assert isinstance(technician.app.screen, ScannerScreen)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_the_practice_desk(sit_down, size):
    async with sit_down(size=size) as technician:
        desk = technician.app.workplace.desk
        desk.pull(2)
        desk.insert(2, "photos-1")
        desk.pull(3)
        screen = await go_to_desk(technician)
        assert screen.cards["photos-1"].reader == 2
        check_picture(technician.app, "practice-desk")
