"""What goes wrong is told in words, and the wizard stays."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from flasher.bench.model import Autopsy, Failed, NodeState, Offered, Ready, Working
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.practice.condition import BROKEN, WELL
from flasher.tui.screens.autopsy import AutopsyScreen
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.confirm import ConfirmScreen
from flasher.tui.screens.label import LabelScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.told import ToldScreen
from flasher.tui.screens.trouble import TroubleScreen
from tests.tui.technician import Technician

BROKEN_PROFILE = 'format = 1\nname = "half rig"\ntitel = "Half"\n[[role]]\nname = "camera"\n'


@dataclass(frozen=True)
class Shelf:
    """A catalog of drives that lie on a shelf."""

    lying: tuple[Drive, ...]

    def drives(self) -> tuple[Drive, ...]:
        return self.lying

    def find(self, argument: str) -> Drive:
        return next(drive for drive in self.lying if str(drive.path) == argument)


def break_profile(folder: Path) -> None:
    (folder / "profiles/a-broken-one").mkdir(parents=True)
    (folder / "profiles/a-broken-one/profile.toml").write_text(BROKEN_PROFILE)


async def test_a_broken_profile_is_shown_with_its_faults_and_cannot_be_chosen(sit_down, folder):
    break_profile(folder)
    async with sit_down() as technician:
        assert "✗ a-broken-one" in technician.read()
        assert "line 3: titel is not known here. Did you mean title?" in technician.read()
        await technician.press("enter")
        await technician.see(ScannerScreen)


async def test_a_mended_profile_can_be_read_again(sit_down, folder):
    break_profile(folder)
    async with sit_down() as technician:
        (folder / "profiles/a-broken-one/profile.toml").unlink()
        await technician.press("r")
        await technician.until(lambda: "a-broken-one" not in technician.read())


async def test_a_lane_that_fails_says_why_and_leaves_the_others_alone(sit_down, gate):
    async with sit_down() as technician:
        technician.move_image_behind(gate)
        bench = await technician.go_to_bench()
        technician.app.workplace.desk.afflict("new-1", BROKEN)
        gate.clear()
        await technician.press("2", "enter")
        await technician.until_stage("write", 2)
        lane = await technician.make_card(1)
        assert isinstance(lane.phase, Failed)
        assert "controller failed" in technician.read()
        assert bench.bench.states["controller"] is NodeState.FAILED
        assert isinstance(technician.lane(2).phase, Working)
        gate.set()
        await technician.until_lane(Ready, 2)
        assert {entry.result for entry in technician.ledger()} == {"failed", "verified"}


async def test_a_card_that_failed_is_made_again_by_a_key(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        desk = technician.app.workplace.desk
        desk.afflict("new-1", BROKEN)
        await technician.make_card()
        desk.afflict("new-1", WELL)
        await technician.press("r")
        await technician.until_lane(Ready)


async def test_enter_on_a_lane_that_failed_says_what_to_do(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        technician.app.workplace.desk.afflict("new-1", BROKEN)
        await technician.make_card()
        await technician.press("enter")
        await technician.see(TroubleScreen)
        await technician.press("s")
        await technician.see(BenchScreen)
        await technician.until(lambda: technician.bench.bench.skipped == ("controller",))


async def test_a_card_that_was_pulled_is_waited_for_and_gone_on_with(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        card = await technician.take_out()
        gate.set()
        await technician.until_lane(Failed)
        await technician.press("r")
        await technician.until(lambda: "Put the card back" in technician.told())
        technician.app.workplace.desk.insert(1, card)
        await technician.until(lambda: "The card is back: Enter goes on" in technician.read())
        await technician.press("enter")
        await technician.until_lane(Ready)


async def test_a_card_with_photos_asks_and_names_them_with_cancel_focused(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("photos-1")
        confirm = await technician.go_to_confirm()
        assert confirm.focused.id == "cancel"
        assert "48 files" in technician.read()
        assert ".JPG" in technician.read()
        await technician.press("tab", "enter")
        await technician.until_lane(Ready)


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_escape_and_enter_on_the_question_write_nothing(sit_down, key):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("photos-1")
        before = technician.drive().stat()
        await technician.go_to_confirm()
        await technician.press(key)
        await technician.see(BenchScreen)
        after = technician.drive().stat()
        assert (after.st_mtime_ns, after.st_blocks) == (before.st_mtime_ns, before.st_blocks)
        assert technician.ledger() == ()


async def test_a_card_that_is_exchanged_while_it_is_asked_about_is_not_written(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("photos-1")
        await technician.go_to_confirm()
        await technician.put_in("linux-1")
        await technician.press("tab", "enter")
        await technician.until(lambda: "another one now" in technician.told())
        assert technician.lane().phase == Offered("foreign")
        assert technician.ledger() == ()


async def test_a_second_card_for_a_node_is_announced_as_replacing_the_first(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card()
        await technician.put_in("photos-1")
        await technician.press("f", *"controller", "enter")
        await technician.see(BenchScreen)
        await technician.until(lambda: technician.lane().node.name == "controller")
        await technician.go_to_confirm()
        assert "controller was already written" in technician.read()


async def test_a_card_that_failed_in_the_rig_is_read_by_itself_and_once(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("failed-1")
        await technician.see(AutopsyScreen)
        await technician.press("escape")
        await technician.see(BenchScreen)
        assert isinstance(technician.lane().phase, Autopsy)
        await technician.press("enter")
        await technician.see(AutopsyScreen)


async def test_keys_for_the_bench_choose_nothing_in_an_autopsy_that_opens_by_itself(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("failed-1")
        autopsy = await technician.see(AutopsyScreen)
        assert autopsy.focused.id == "back"
        assert autopsy.quiet_seconds > 0
        await technician.press_once_heard("m")
        await technician.see(ConfirmScreen)


async def test_a_card_that_failed_in_the_rig_is_given_new_settings(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("failed-1")
        await technician.see(AutopsyScreen)
        await technician.press_once_heard("n")
        await technician.see(BenchScreen)
        await technician.until_lane(Ready)


async def test_a_card_that_failed_in_the_rig_is_made_anew_only_after_a_question(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.put_in("failed-1")
        await technician.see(AutopsyScreen)
        await technician.press_once_heard("m")
        confirm = await technician.see(ConfirmScreen)
        assert confirm.focused.id == "cancel"
        await technician.until(lambda: not confirm.query_one("#write").disabled)
        await technician.press("tab", "enter")
        await technician.until_lane(Ready)


async def start_writing(technician: Technician, gate: Event) -> BenchScreen:
    """Stand in the middle of a write that goes no further."""
    technician.move_image_behind(gate)
    bench = await technician.go_to_bench()
    gate.clear()
    await technician.press("enter")
    await technician.until_stage("write")
    return bench


async def test_enter_on_a_lane_at_work_asks_and_means_going_on(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        await technician.press("enter")
        question = await technician.see(QuestionScreen)
        assert question.focused.id == "no"
        await technician.press("escape")
        await technician.see(BenchScreen)
        gate.set()
        await technician.until_lane(Ready)


async def test_a_card_that_was_stopped_can_be_gone_on_with(sit_down, gate):
    async with sit_down() as technician:
        bench = await start_writing(technician, gate)
        await technician.press("s")
        await technician.see(QuestionScreen)
        await technician.press("tab", "enter")
        gate.set()
        await technician.until_lane(Failed)
        assert "controller was stopped" in technician.read()
        assert [entry.result for entry in technician.ledger()] == ["cancelled"]
        assert bench.bench.states["controller"] is NodeState.TODO
        await technician.press("r")
        await technician.until_lane(Ready)


async def test_escape_while_a_card_is_written_asks_first(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        await technician.press("escape")
        await technician.see(QuestionScreen)
        await technician.press("escape")
        await technician.see(BenchScreen)
        await technician.press("escape", "tab", "enter")
        gate.set()
        await technician.see(SiteScreen)
        assert [entry.result for entry in technician.ledger()] == ["cancelled"]


async def test_quitting_while_writing_asks_and_can_be_taken_back(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        await technician.press("ctrl+q")
        await technician.see(QuestionScreen)
        await technician.press("enter")
        await technician.see(BenchScreen)
        gate.set()
        await technician.until_lane(Ready)
        assert technician.app.is_running


async def test_quitting_while_writing_leaves_a_card_that_can_be_gone_on_with(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        await technician.press("ctrl+q")
        await technician.see(QuestionScreen)
        await technician.press("tab", "enter")
        gate.set()
        await technician.until(lambda: technician.app._exit)
        assert [entry.result for entry in technician.ledger()] == ["cancelled"]
    async with sit_down() as technician:
        technician.app.workplace.desk.pull(1)
        technician.app.workplace.desk.insert(1, "new-1")
        await technician.go_to_bench()
        await technician.until(lambda: technician.lane().phase == Offered("own"))
        await technician.make_card()
        assert [entry.result for entry in technician.ledger()] == ["cancelled", "verified"]


async def test_a_signal_stops_the_engine_before_the_wizard_closes(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        os.kill(os.getpid(), signal.SIGTERM)
        gate.set()
        await technician.until(lambda: technician.app._exit)
        assert technician.app.return_code == 128 + signal.SIGTERM
        assert [entry.result for entry in technician.ledger()] == ["cancelled"]


async def test_a_card_whose_ledger_is_lost_meanwhile_is_good_and_its_missing_line_is_told(
    sit_down, gate
):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        ledger = technician.app.workplace.ledger.path
        ledger.unlink()
        ledger.mkdir()
        gate.set()
        await technician.until_lane(Ready)
        await technician.press("enter")
        await technician.see(LabelScreen)
        assert "The ledger" in technician.read()


async def test_without_an_image_the_first_screen_says_how_to_get_one(sit_down):
    async with sit_down(image=None) as technician:
        assert "There is no base image yet." in technician.read()
        assert "flasher build-base" in technician.read()
        await technician.go_to_bench()
        await technician.press("enter")
        await technician.see(BenchScreen)


async def test_an_image_that_is_none_is_told_and_nothing_can_be_written(sit_down, tmp_path):
    (tmp_path / "base.img").write_bytes(b"not an image" * 100)
    async with sit_down(image=tmp_path / "base.img") as technician:
        await technician.go_to_bench()
        await technician.press("enter")
        await technician.see(BenchScreen)
        assert technician.ledger() == ()


async def test_a_broken_site_is_shown_with_its_faults(sit_down, folder):
    (folder / "sites/a-site").mkdir(parents=True)
    (folder / "sites/a-site/site.toml").write_text("format = 1\n")
    async with sit_down() as technician:
        await technician.press("enter")
        await technician.see(SiteScreen)
        await technician.until(lambda: "This site cannot be used." in technician.read())


async def test_escape_leads_back_to_the_first_screen_and_stays_there(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.press("escape", "escape", "escape", "escape")
        await technician.see(ScannerScreen)
        assert technician.app.is_running


async def test_a_drive_that_is_refused_is_shown_with_its_reason_and_never_begun(sit_down):
    refused = Drive(Path("/dev/sda"), 256_000_000_000, "usb", refusal="it is in use: mounted at /")
    async with sit_down(size=(120, 40), catalog=Shelf((refused,))) as technician:
        await technician.go_to_bench()
        assert "✗ not written" in technician.read()
        assert "it is in use: mounted at /" in technician.read()
        await technician.press("enter")
        await technician.see(ToldScreen)
        await technician.until(lambda: "Close what uses it" in technician.read())
        await technician.press("escape")
        await technician.see(BenchScreen)
        assert technician.ledger() == ()


async def test_drives_that_cannot_be_listed_are_told_and_listed_later(sit_down):
    class Stuck(Shelf):
        def drives(self) -> tuple[Drive, ...]:
            if stuck:
                raise FlasherError("no-sysfs", "The drives cannot be listed.", "Try again.")
            return self.lying

    stuck: list[int] = []
    drive = Drive(Path("/dev/sdx"), 1 << 34, "usb", model="Late Reader", removable=True)
    async with sit_down(catalog=Stuck((drive,))) as technician:
        await technician.go_to_bench()
        stuck.append(1)
        await technician.press("l")
        await technician.until(lambda: "cannot be listed" in technician.read())
        stuck.clear()
        await technician.until(lambda: "cannot be listed" not in technician.read())


@pytest.mark.parametrize("size", [(60, 20), (40, 10), (200, 60)])
async def test_no_size_of_the_window_is_too_strange(sit_down, size):
    async with sit_down(size=size) as technician:
        await technician.go_to_bench()
        await technician.make_card()
