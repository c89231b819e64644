"""What goes wrong is told in words, and the wizard stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event

from flasher.drives.files import create_virtual_card
from flasher.drives.model import Drive
from flasher.tui.queue import NodeState
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.writing import WritingScreen
from tests.tui.technician import Technician

BROKEN = 'format = 1\nname = "half rig"\ntitel = "Half"\n[[role]]\nname = "camera"\n'


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
    (folder / "profiles/a-broken-one/profile.toml").write_text(BROKEN)


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


async def test_a_card_smaller_than_the_image_is_refused_in_words(sit_down):
    async with sit_down() as technician:
        technician.drive().unlink()
        create_virtual_card(technician.drive(), 1 << 20)
        bench = await technician.go_to_bench()
        await technician.make_card()
        assert "controller failed" in technician.read()
        assert "is too small" in technician.read()
        assert "Take a larger card." in technician.read()
        await technician.press("escape")
        await technician.see(BenchScreen)
        assert bench.queue.states["controller"] is NodeState.FAILED
        assert [entry.result for entry in technician.ledger()] == ["failed"]


async def test_a_card_taken_out_before_writing_fails_and_can_be_tried_again(sit_down):
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.go_to_confirm()
        aside = technician.drive().rename(technician.drive().with_suffix(".aside"))
        writing = await technician.write()
        await technician.until(lambda: not writing.busy)
        assert "There is no drive" in technician.read()
        aside.rename(technician.drive())
        await technician.press("r")
        await technician.until(lambda: "controller is ready" in technician.read())


async def start_writing(technician: Technician, gate: Event) -> WritingScreen:
    """Stand in the middle of a write that goes no further."""
    technician.move_image_behind(gate)
    await technician.go_to_bench()
    await technician.go_to_confirm()
    gate.clear()
    writing = await technician.write()
    await technician.until(lambda: writing.query_one("#step-write").has_class("-running"))
    return writing


async def test_escape_while_writing_asks_and_means_going_on(sit_down, gate):
    async with sit_down() as technician:
        writing = await start_writing(technician, gate)
        await technician.press("escape")
        question = await technician.see(QuestionScreen)
        assert question.focused.id == "no"
        await technician.press("escape")
        await technician.see(WritingScreen)
        gate.set()
        await technician.until(lambda: not writing.busy)
        assert "controller is ready" in technician.read()


async def test_stopping_is_recorded_and_the_node_still_needs_its_card(sit_down, gate):
    async with sit_down() as technician:
        writing = await start_writing(technician, gate)
        await technician.press("escape", "tab", "enter")
        await technician.see(WritingScreen)
        gate.set()
        await technician.until(lambda: not writing.busy)
        assert "controller was stopped" in technician.read()
        assert [entry.result for entry in technician.ledger()] == ["cancelled"]
        await technician.press("escape")
        bench = await technician.see(BenchScreen)
        assert bench.queue.states["controller"] is NodeState.TODO


async def test_quitting_while_writing_asks_and_can_be_taken_back(sit_down, gate):
    async with sit_down() as technician:
        writing = await start_writing(technician, gate)
        await technician.press("ctrl+q")
        await technician.see(QuestionScreen)
        await technician.press("enter")
        await technician.see(WritingScreen)
        gate.set()
        await technician.until(lambda: not writing.busy)
        assert technician.app.is_running


async def test_quitting_while_writing_stops_the_engine_before_it_closes(sit_down, gate):
    async with sit_down() as technician:
        await start_writing(technician, gate)
        await technician.press("ctrl+q")
        await technician.see(QuestionScreen)
        await technician.press("tab", "enter")
        gate.set()
        await technician.until(lambda: technician.app._exit)
        assert [entry.result for entry in technician.ledger()] == ["cancelled"]


async def test_a_card_whose_ledger_is_lost_meanwhile_is_good_and_its_missing_line_is_told(
    sit_down, gate
):
    async with sit_down() as technician:
        writing = await start_writing(technician, gate)
        ledger = technician.app.workplace.ledger.path
        ledger.unlink()
        ledger.mkdir()
        gate.set()
        await technician.until(lambda: not writing.busy)
        assert "controller is ready" in technician.read()
        assert "! " in technician.read()
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


async def test_a_drive_that_is_refused_is_shown_with_its_reason_and_never_chosen(sit_down):
    refused = Drive(Path("/dev/sda"), 256_000_000_000, "ata", refusal="it is in use: mounted at /")
    async with sit_down(size=(120, 40), catalog=Shelf((refused,))) as technician:
        await technician.go_to_bench()
        assert "refused: it is in use: mounted at /" in technician.read()
        assert "No card that may be written." in technician.read()
        await technician.press("enter")
        await technician.until(lambda: "Never written" in technician.read())
        await technician.see(BenchScreen)


async def test_a_card_put_in_later_appears_by_itself(sit_down):
    async with sit_down() as technician:
        for number in (1, 2, 3):
            technician.drive(number).unlink()
        await technician.go_to_bench()
        assert "No card that may be written." in technician.read()
        create_virtual_card(technician.drive(2), 16 << 20)
        await technician.until(lambda: "● card-2.img" in technician.read())


async def test_no_reader_is_looked_at_while_a_card_is_written(sit_down, gate):
    looks: list[int] = []

    class Watched(Shelf):
        def drives(self) -> tuple[Drive, ...]:
            looks.append(1)
            return self.lying

    async with sit_down() as technician:
        shelf = Watched(technician.app.workplace.catalog.drives())
    async with sit_down(catalog=shelf) as technician:
        writing = await start_writing(technician, gate)
        seen = len(looks)
        next(s for s in technician.app.screen_stack if isinstance(s, BenchScreen)).look_if_on_top()
        await technician.pilot.pause()
        assert len(looks) == seen
        gate.set()
        await technician.until(lambda: not writing.busy)
        await technician.press("enter")
        await technician.until(lambda: len(looks) > seen)
