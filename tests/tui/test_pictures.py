"""What each screen looks like, at the smallest size that is promised and at a roomy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from flasher.bench.model import (
    Counting,
    Failed,
    Lane,
    NodeState,
    Offered,
    Ready,
    Refused,
    Working,
)
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.prepare import CardResult
from flasher.rig.rigmap import Node
from flasher.tui.messages import BenchChanged
from flasher.tui.screens.help import HelpScreen
from flasher.tui.screens.label import LabelScreen
from tests.tui.pictures import check_picture
from tests.tui.technician import Technician
from tests.tui.test_trouble import break_profile

SIZES = [(80, 24), (120, 40)]

at_both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])


CARD = Drive(Path("/dev/sdb"), 31_914_983_424, "usb", "Generic", "Card Reader", holds="empty")
PHOTOS = replace(CARD, path=Path("/dev/sdc"), holds="FAT32: NIKON D750")
PULLED = FlasherError(
    "card-pulled", "The card in /dev/sdb was pulled out.", "Put it back in and start again."
)


def at_work(nodes: Sequence[Node]) -> tuple[Lane, ...]:
    """Lanes in all phases."""
    made = CardResult(nodes[3], CARD.path, 1, "", "", 10**9, 10**9, 93.0)
    return (
        Lane("1", CARD, nodes[1], Offered("blank")),
        Lane("2", CARD, nodes[2], Working("write", 734_000_000, 1_468_006_400, 38e6, 19.3)),
        Lane("3", CARD, nodes[3], Ready(made)),
        Lane("4", PHOTOS, nodes[4], Offered("foreign")),
        Lane("5", CARD, nodes[5], Failed(PULLED)),
        Lane("6", CARD, nodes[6], Counting(3.0)),
        Lane("7", replace(CARD, size=10**12), None, Refused("it is in use: mounted at /")),
        Lane("usb 1-2.3:lun0"),
    )


async def show_lanes(technician: Technician, first: int, last: int) -> None:
    """Have the bench show lanes that no engine stands behind."""
    bench = await technician.go_to_bench()
    state = bench.bench
    states = {**state.states, "cam-0102": NodeState.WRITING, "cam-0103": NodeState.READY}
    states |= {"cam-0105": NodeState.FAILED, "cam-0107": NodeState.ALIVE}
    states |= {"cam-0201": NodeState.REHEARSED}
    lanes = at_work(state.nodes)[first - 1 : last]
    bench.runner.close()
    bench.post_message(BenchChanged(replace(state, states=states, lanes=())))
    await technician.until(lambda: not bench.bench.lanes)
    bench.post_message(BenchChanged(replace(state, states=states, lanes=lanes)))
    await technician.until(lambda: bench.lane is not None and "Help" in technician.read())


@at_both_sizes
async def test_the_scanner_screen(sit_down, size):
    async with sit_down(size=size) as technician:
        check_picture(technician.app, "scanner")


@at_both_sizes
async def test_a_broken_profile(sit_down, folder, size):
    break_profile(folder)
    async with sit_down(size=size) as technician:
        check_picture(technician.app, "scanner-broken")


@at_both_sizes
async def test_no_image(sit_down, size):
    async with sit_down(size=size, image=None) as technician:
        check_picture(technician.app, "scanner-no-image")


@at_both_sizes
async def test_the_help(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.press("question_mark")
        await technician.see(HelpScreen)
        check_picture(technician.app, "help")


@at_both_sizes
async def test_the_bench(sit_down, size):
    async with sit_down(size=size) as technician:
        await show_lanes(technician, 1, 3)
        check_picture(technician.app, "bench")


@at_both_sizes
async def test_the_bench_with_more_readers_than_there_is_room_for(sit_down, size):
    async with sit_down(size=size, ticks=lambda: 0.0) as technician:
        await show_lanes(technician, 1, 8)
        check_picture(technician.app, "bench-many")


@at_both_sizes
async def test_the_bench_when_something_needs_a_person(sit_down, size):
    async with sit_down(size=size, ticks=lambda: 0.0) as technician:
        await show_lanes(technician, 4, 6)
        check_picture(technician.app, "bench-trouble")


@at_both_sizes
async def test_the_bench_with_a_cursor_in_the_drawing(sit_down, size):
    async with sit_down(size=size) as technician:
        await show_lanes(technician, 1, 3)
        await technician.press("tab", "down", "down", "right")
        check_picture(technician.app, "bench-cursor")


@at_both_sizes
async def test_the_confirmation(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.go_to_bench()
        await technician.put_in("photos-1")
        await technician.go_to_confirm()
        check_picture(technician.app, "confirm")


@at_both_sizes
async def test_a_card_that_is_ready(sit_down, size):
    async with sit_down(size=size) as technician:
        await show_lanes(technician, 3, 3)
        await technician.press("enter")
        await technician.see(LabelScreen)
        check_picture(technician.app, "ready")


@pytest.mark.parametrize("theme", ["light", "no-colour"])
async def test_the_bench_in_other_colours(sit_down, monkeypatch, theme):
    if theme == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    async with sit_down() as technician:
        if theme == "light":
            await technician.press("ctrl+t")
        await show_lanes(technician, 1, 3)
        check_picture(technician.app, f"bench-{theme}")
