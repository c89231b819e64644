"""What should be mended before cards are made is said at the bench, and no longer once it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flasher.tui.widgets.cautions import Cautions
from tests.tui.board_rig import NOON
from tests.tui.pictures import check_picture

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DEAF = "113 nodes can take no updates later. If they are to, make one with: flasher build-base"


async def test_a_wrong_clock_is_told_at_the_bench_until_it_is_set(sit_down):
    shown = [LONG_AGO]
    async with sit_down(now=lambda: shown[0]) as technician:
        bench = await technician.go_to_bench()
        await technician.until(lambda: "clock shows 2000-01-01 00:00 UTC" in technician.read())
        assert "Set the clock before you go on: timedatectl set-ntp true" in technician.read()
        shown[0] = NOON
        bench.query_one(Cautions).look_again()
        await technician.until(lambda: "clock" not in technician.read())


async def test_a_clock_that_was_ahead_when_cards_were_made_is_told(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
        await technician.press("escape")
    later = datetime.fromisoformat(technician.ledger()[0].written_at)
    async with sit_down(now=lambda: later - timedelta(days=3), made_at=lambda: LONG_AGO) as after:
        await after.go_to_bench()
        await after.until(lambda: "it is behind now, or was ahead then" in after.read())


async def test_an_image_whose_nodes_never_take_an_update_is_told_at_the_bench(sit_down, deaf_image):
    async with sit_down(image=deaf_image) as technician:
        await technician.go_to_bench()
        await technician.until(lambda: DEAF in technician.read())


async def test_where_nothing_is_wrong_the_bench_has_its_room_for_itself(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.make_card()
        assert not bench.query_one(Cautions).display


async def test_cards_are_made_all_the_same(sit_down, deaf_image):
    async with sit_down(image=deaf_image, now=lambda: LONG_AGO) as technician:
        await technician.go_to_bench()
        await technician.until(lambda: DEAF in technician.read())
        await technician.make_card()
        assert technician.ledger()[0].result == "verified"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_the_bench_with_something_to_be_mended(sit_down, deaf_image: Path, size):
    async with sit_down(image=deaf_image, size=size) as technician:
        await technician.go_to_bench()
        await technician.until(lambda: DEAF in technician.read())
        check_picture(technician.app, "bench-cautions")
