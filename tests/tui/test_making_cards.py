"""From the first screen to a card that an independent tool reads, several of them at once."""

from __future__ import annotations

from flasher.bench.model import Counting, NodeState, Offered, Ready, Working
from flasher.process import run
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.screens.label import LabelScreen
from flasher.tui.widgets.lane_box import LaneBox
from flasher.tui.widgets.node_picker import NodePicker


async def test_enter_makes_a_card_and_the_screen_says_what_to_write_on_it(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.make_card(2)
        assert "TAKE OUT, write:" in technician.read()
        assert bench.bench.states["cam-0101"] is NodeState.READY
        await technician.press("enter")
        await technician.see(LabelScreen)
        assert "cam-0101 is ready" in technician.read()
        await technician.press("escape")
        (entry,) = technician.ledger()
        assert (entry.node, entry.result) == ("cam-0101", "verified")
        boot = f"{technician.drive(2)}@@1048576"
        node = run(["mtype", "-i", boot, "::/autosetup/node.toml"]).text
        assert 'name = "cam-0101"' in node


async def test_cards_in_several_lanes_are_made_at_once_each_for_another_node(sit_down, gate):
    async with sit_down() as technician:
        technician.move_image_behind(gate)
        bench = await technician.go_to_bench()
        gate.clear()
        await technician.press("1", "enter", "2", "enter", "3", "enter")
        for number in (1, 2, 3):
            await technician.until_lane(Working, number)
        assert bench.bench.count(NodeState.WRITING) == 3
        gate.set()
        for number in (1, 2, 3):
            await technician.until_lane(Ready, number)
        assert {entry.node for entry in technician.ledger()} == {
            "controller",
            "cam-0101",
            "cam-0102",
        }


async def test_a_card_that_is_taken_out_makes_room_for_the_next_node(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
        await technician.put_in("new-9")
        lane = await technician.until_lane(Offered)
        assert lane.node.name == "cam-0103"
        await technician.make_card()
        assert len(technician.ledger()) == 2


async def test_auto_starts_blank_cards_by_themselves_after_a_count_down(sit_down):
    clock = [0.0]
    async with sit_down(ticks=lambda: clock[0]) as technician:
        bench = await technician.go_to_bench()
        await technician.press("a")
        await technician.until_lane(Counting)
        await technician.until(lambda: "starts in 5 s" in technician.read())
        clock[0] = 2.5
        await technician.until(lambda: "starts in 3 s" in technician.read())
        clock[0] = 6.0
        for number in (1, 2, 3):
            await technician.until_lane(Ready, number)
        assert bench.bench.count(NodeState.READY) == 3


async def test_escape_holds_what_counts_down_and_goes_back_only_after_that(sit_down):
    clock = [0.0]
    async with sit_down(ticks=lambda: clock[0]) as technician:
        await technician.go_to_bench()
        await technician.press("a")
        await technician.until_lane(Counting)
        await technician.press("escape")
        for number in (1, 2, 3):
            await technician.until_lane(Offered, number)
        clock[0] = 60.0
        await technician.press("l")
        assert technician.app.screen is technician.bench
        assert technician.ledger() == ()


async def test_a_card_with_photos_never_starts_by_itself(sit_down):
    clock = [0.0]
    async with sit_down(ticks=lambda: clock[0]) as technician:
        await technician.go_to_bench()
        await technician.put_in("photos-1")
        await technician.press("a")
        await technician.until_lane(Counting, 2)
        assert technician.lane(1).phase == Offered("foreign")
        clock[0] = 60.0
        await technician.until_lane(Ready, 2)
        assert technician.lane(1).phase == Offered("foreign")


async def test_while_the_bench_is_paused_nothing_new_starts(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.press("p")
        await technician.until(lambda: "PAUSED" in technician.read())
        await technician.press("enter")
        await technician.until(lambda: "The bench is paused" in technician.told())
        await technician.press("p")
        await technician.until(lambda: not technician.bench.bench.paused)
        await technician.make_card()
        assert len(technician.ledger()) == 1


async def test_the_bench_shows_what_a_written_card_holds(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
        await technician.put_in("new-9")
        await technician.put_in("new-1")
        await technician.until(lambda: technician.lane().phase == Offered("made"))
        assert "in use: controller" in technician.read()


async def test_the_ledger_brings_the_states_back_on_another_day(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        assert bench.bench.states["controller"] is NodeState.READY
        assert technician.lane().node.name != "controller"


async def test_space_puts_the_lanes_node_last(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.press("space")
        await technician.until(lambda: technician.lane().node.name == "cam-0103")
        assert "cam-0103 · SEG1-CAM3" in technician.read()


async def test_the_nodes_that_fit_are_seen_while_a_label_is_typed(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("f")
        await technician.see(FindNodeScreen)
        await technician.press(*"seg4-cam")
        await technician.until(lambda: "7 entries" in technician.read())
        assert "SEG4-CAM7 cam-0407" in technician.read()
        await technician.press(*"33", "enter")
        await technician.until(lambda: "Nothing fits" in technician.read())
        await technician.press("backspace", "enter")
        await technician.see(BenchScreen)
        await technician.until(
            lambda: any(lane.node.position == "SEG4-CAM3" for lane in bench.bench.lanes)
        )


async def test_a_card_is_made_again_for_a_node_that_has_one(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
        await technician.press("f", *"controller", "enter")
        await technician.see(BenchScreen)
        await technician.put_in("new-9")
        await technician.until(lambda: technician.lane().node.name == "controller")
        await technician.make_card()
        assert [entry.node for entry in technician.ledger()] == ["controller"] * 2


async def test_the_drawing_chooses_a_node_with_arrow_keys(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("tab", "down", "down", "right")
        assert "cam-0202 SEG2-CAM2, to do" in technician.read()
        await technician.press("enter")
        await technician.until(
            lambda: any(lane.node.name == "cam-0202" for lane in bench.bench.lanes)
        )
        assert isinstance(bench.focused, LaneBox)


async def test_the_drawing_chooses_a_node_with_the_mouse(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        assert await technician.pilot.click(NodePicker, offset=(4 + 2 * 2, 3 + 4))
        await technician.until(
            lambda: any(lane.node.name == "cam-0304" for lane in bench.bench.lanes)
        )


async def test_a_double_click_on_a_lane_is_enter(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        box = list(bench.query(LaneBox))[1]
        assert await technician.pilot.click(box, offset=(5, 2), times=2)
        await technician.until_lane(Ready, 2)


async def test_the_cursor_stays_inside_the_drawing(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("tab", "up", "left", *["down"] * 9, *["right"] * 20)
        assert bench.query_one(NodePicker).cursor == ("camera", 16, 7)


async def test_arrows_go_from_lane_to_lane_and_tab_to_the_rig_and_back(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("down", "down", "up")
        assert bench.focused.number == 2
        await technician.press("tab")
        assert isinstance(bench.focused, NodePicker)
        await technician.press("shift+tab")
        assert bench.focused.number == 2


async def test_a_reader_that_comes_later_gets_its_lane(sit_down):
    async with sit_down() as technician:
        for number in (1, 2, 3):
            await technician.take_out(number)
        bench = await technician.go_to_bench()
        assert "Put a card into a reader" in technician.read()
        await technician.put_in("new-2")
        await technician.until(lambda: isinstance(bench.focused, LaneBox))
        await technician.make_card()


async def test_every_command_is_in_the_palette_in_words(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.press("ctrl+p", *"nothing new")
        await technician.until(lambda: "Pause: start nothing new" in technician.read())
        await technician.press("down", "enter")
        await technician.until(lambda: technician.bench.bench.paused)
