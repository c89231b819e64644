"""What each screen looks like, at the smallest size that is promised and at a roomy one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.errors import FlasherError
from flasher.events import StepAdvanced, StepFinished, StepStarted
from flasher.tui.messages import CardSettled, EngineEvent
from flasher.tui.screens.help import HelpScreen
from flasher.tui.screens.new_site import NewSiteScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.writing import WritingScreen
from tests.tui.pictures import check_picture
from tests.tui.technician import Technician
from tests.tui.test_trouble import break_profile

SIZES = [(80, 24), (120, 40)]
DRIVE = "card-1.img"

at_both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])


class PictureOfWriting(WritingScreen):
    """Shows the events it is given; the engine stays in its garage."""

    def _write(self, _cancel: object) -> None:
        pass


async def stand_before_writing(technician: Technician) -> WritingScreen:
    """The writing screen of a planned card, before any event."""
    await technician.go_to_bench()
    confirm = await technician.go_to_confirm()
    workplace, ticks = technician.app.workplace, iter(range(0, 1000, 10))
    screen = PictureOfWriting(
        confirm.card, confirm.drive, workplace.ledger, lambda: float(next(ticks))
    )
    await technician.app.push_screen(screen)
    return screen


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
async def test_the_site_screen(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.press("enter")
        await technician.see(SiteScreen)
        check_picture(technician.app, "site")


@at_both_sizes
async def test_the_form_with_faults(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.press("enter", "n")
        form = await technician.see(NewSiteScreen)
        await technician.press("ctrl+s")
        form.query_one("Button").focus()
        check_picture(technician.app, "new-site")


@at_both_sizes
async def test_the_bench(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.go_to_bench()
        await technician.press("space", "space")
        check_picture(technician.app, "bench")


@at_both_sizes
async def test_the_bench_with_a_cursor_in_the_drawing(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.go_to_bench()
        await technician.press("shift+tab", "down", "down", "right")
        check_picture(technician.app, "bench-cursor")


@at_both_sizes
async def test_the_confirmation(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.go_to_bench()
        await technician.go_to_confirm()
        check_picture(technician.app, "confirm")


@at_both_sizes
async def test_half_a_card_written(sit_down, size):
    async with sit_down(size=size) as technician:
        writing = await stand_before_writing(technician)
        total = 1_468_006_400
        writing.post_message(EngineEvent(StepStarted(DRIVE, "write", total, "bytes")))
        writing.post_message(EngineEvent(StepAdvanced(DRIVE, "write", total // 2, total)))
        await technician.until(lambda: "734.0 MB" in technician.read())
        check_picture(technician.app, "writing")


@at_both_sizes
async def test_a_card_that_is_ready(sit_down, size):
    async with sit_down(size=size) as technician:
        writing = await technician.go_to_bench() and await technician.make_card()
        writing.post_message(EngineEvent(StepFinished(DRIVE, "write", ok=True, seconds=31.0)))
        writing.post_message(EngineEvent(StepFinished(DRIVE, "verify", ok=True, seconds=17.0)))
        writing.post_message(CardSettled(replace(writing.outcome, seconds=48.0)))
        await technician.until(lambda: "in 48 s" in technician.read())
        check_picture(technician.app, "ready")


@at_both_sizes
async def test_a_card_that_failed(sit_down, size):
    async with sit_down(size=size) as technician:
        writing = await stand_before_writing(technician)
        what = "The card in /dev/sdb was pulled out while writing."
        pulled = FlasherError("card-pulled", what, "Put it back in and start again.")
        writing.post_message(CardSettled(pulled))
        await technician.until(lambda: "failed" in technician.read())
        check_picture(technician.app, "failed")


@pytest.mark.parametrize("theme", ["light", "no-colour"])
async def test_the_bench_in_other_colours(sit_down, monkeypatch, theme):
    if theme == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    async with sit_down() as technician:
        if theme == "light":
            await technician.press("ctrl+t")
        await technician.go_to_bench()
        check_picture(technician.app, f"bench-{theme}")
