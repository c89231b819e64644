"""From the first screen to a card that an independent tool reads."""

from __future__ import annotations

import pytest

from flasher.process import run
from flasher.tui.queue import NodeState
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.widgets.drive_list import DriveList
from flasher.tui.widgets.node_picker import NodePicker


async def test_a_card_is_chosen_confirmed_written_verified_and_the_next_one_follows(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("space")
        await technician.make_card()
        assert "cam-0101 is ready" in technician.read()
        assert "Take the card out and write SEG1-CAM1 on it." in technician.read()
        await technician.press("enter")
        await technician.see(BenchScreen)
        assert bench.queue.states["cam-0101"] is NodeState.READY
        assert bench.queue.next.name == "cam-0102"
        (entry,) = technician.ledger()
        assert (entry.node, entry.result) == ("cam-0101", "verified")
        boot = f"{technician.drive()}@@1048576"
        node = run(["mtype", "-i", boot, "::/autosetup/node.toml"]).text
        assert 'name = "cam-0101"' in node


async def test_the_bench_shows_what_a_written_card_holds(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.make_card()
        await technician.press("enter")
        await technician.see(BenchScreen)
        drives = bench.query_one(DriveList)
        await technician.until(lambda: "controller" in drives.drives[0].holds)
        assert "holds: controller" in technician.read()


async def test_the_ledger_brings_the_states_back_on_another_day(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        assert bench.queue.states["controller"] is NodeState.READY
        assert bench.queue.next.name == "cam-0101"


async def test_space_skips_to_the_following_node(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("space", "space")
        assert bench.queue.next.name == "cam-0102"
        assert "cam-0102 label SEG1-CAM2" in technician.read()


async def test_a_node_is_found_by_its_label_and_a_wrong_one_is_explained(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("f")
        await technician.see(FindNodeScreen)
        await technician.press(*"seg4-cam33", "enter")
        await technician.until(lambda: "Did you mean" in technician.read())
        await technician.press("backspace", "enter")
        await technician.see(BenchScreen)
        assert bench.queue.next.position == "SEG4-CAM3"


async def test_the_drawing_chooses_a_node_with_arrow_keys(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("shift+tab", "down", "down", "right")
        assert "cam-0202 SEG2-CAM2, to do" in technician.read()
        await technician.press("enter")
        await technician.until(lambda: bench.queue.next.name == "cam-0202")
        assert bench.query_one(DriveList).has_focus


async def test_the_drawing_chooses_a_node_with_the_mouse(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        assert await technician.pilot.click(NodePicker, offset=(4 + 2 * 2, 3 + 4))
        await technician.until(lambda: bench.queue.next.name == "cam-0304")


async def test_the_cursor_stays_inside_the_drawing(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("shift+tab", "up", "left", *["down"] * 9, *["right"] * 20)
        assert bench.query_one(NodePicker).cursor == ("camera", 16, 7)


async def test_a_second_card_for_a_node_is_announced_as_replacing_the_first(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
        await technician.press("enter")
        await technician.see(BenchScreen)
        await technician.press("f", *"controller", "enter")
        await technician.see(BenchScreen)
        await technician.go_to_confirm()
        assert "It is the card of controller at" in technician.read()
        await technician.press("escape")
        await technician.see(BenchScreen)
        await technician.press("down")
        await technician.go_to_confirm()
        assert "controller was already written" in technician.read()


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_escape_and_enter_on_the_confirmation_write_nothing(sit_down, key):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        before = technician.drive().stat()
        confirm = await technician.go_to_confirm()
        assert confirm.focused.id == "cancel"
        await technician.press(key)
        await technician.see(BenchScreen)
        after = technician.drive().stat()
        assert (after.st_mtime_ns, after.st_blocks) == (before.st_mtime_ns, before.st_blocks)
        assert technician.ledger() == ()
        assert bench.queue.states["controller"] is NodeState.TODO
