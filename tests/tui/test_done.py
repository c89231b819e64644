"""The technician sees what was made and what is missing, and takes along what is needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flasher.bench.model import BenchState, NodeState
from flasher.rig.exchange import read_ledger
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import load_site, save_site
from flasher.rig.site_travel import site_name_in
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.done import DoneScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.rehearsal import RehearsalScreen
from flasher.tui.screens.save_file import SaveFileScreen
from flasher.tui.screens.site_travel import BackupScreen
from tests.tui.returned_cards import NODE, demo_rig, make_card
from tests.tui.technician import Technician

StateOf = Callable[..., BenchState]


@pytest.fixture
def rig(folder: Path) -> RigMap:  # noqa: ARG001  (it sets the folders)
    return demo_rig()


@pytest.fixture
def state_of(rig: RigMap) -> StateOf:
    """A bench whose nodes are all ready, but for these."""

    def make(**others: NodeState) -> BenchState:
        changed = {name.replace("_", "-"): state for name, state in others.items()}
        states = {node.name: NodeState.READY for node in rig.nodes} | changed
        return BenchState(rig.nodes, states)

    return make


async def open_done(technician: Technician, rig: RigMap, state: BenchState) -> list[object]:
    ended: list[object] = []
    seen: list[str] = []
    screen = DoneScreen(
        technician.app.workplace, rig, lambda: state, None, on_rehearsed=seen.append
    )
    technician.app.push_screen(screen, ended.append)
    await technician.see(DoneScreen)
    await technician.until(lambda: screen.query_one("DataTable").row_count == len(rig.nodes))
    return ended


async def save_as(technician: Technician, key: str, path: Path) -> None:
    await technician.press(key)
    dialog = await technician.see(SaveFileScreen)
    dialog.query_one("Input").value = str(path)
    await technician.press("enter")


async def test_a_whole_rig_is_told_by_role(sit_down, rig, state_of):
    async with sit_down() as technician:
        states = {"cam_0101": NodeState.REHEARSED, "cam_0102": NodeState.ALIVE}
        await open_done(technician, rig, state_of(**states))
        seen = technician.read()
        assert "✓ All 113 nodes have their card" in seen
        assert "Role ✓ ready ◉ rehearsed ♥ alive" in seen
        assert "Controller 1 · ·" in seen


async def test_what_is_missing_or_failed_is_counted_and_shown_alone(sit_down, rig, state_of):
    state = state_of(cam_0103=NodeState.FAILED, cam_0104=NodeState.TODO)
    async with sit_down() as technician:
        await open_done(technician, rig, state)
        assert "◐ 111 of 113 nodes have their card, 2 are missing" in technician.read()
        await technician.press("m")
        screen = technician.app.screen
        assert [node.name for node in screen.shown] == ["cam-0103", "cam-0104"]
        assert "Still to be made" in technician.read()
        assert "✗ cam-0103 SEG1-CAM3 failed" in technician.read()


async def test_enter_takes_a_missing_node_back_to_the_bench(sit_down, rig, state_of):
    async with sit_down() as technician:
        ended = await open_done(technician, rig, state_of(cam_0104=NodeState.TODO))
        await technician.press("m", "enter")
        await technician.until(lambda: bool(ended))
        assert ended == ["cam-0104"]


async def test_escape_goes_back_as_it_is(sit_down, rig, state_of):
    async with sit_down() as technician:
        ended = await open_done(technician, rig, state_of())
        await technician.press("escape")
        await technician.until(lambda: bool(ended))
        assert ended == [None]


async def test_cards_of_the_ledger_stand_beside_their_nodes(
    sit_down, rig, state_of, tmp_path, base_image
):
    async with sit_down() as technician:
        ledger = technician.app.workplace.ledger
        made = make_card(tmp_path / "card.img", base_image, rig, ledger)
        await open_done(technician, rig, state_of())
        await technician.press("down", "down", "down")
        await technician.until(lambda: made.card_id[:8] in technician.read())


async def test_labels_and_ledger_are_written_where_the_technician_says(
    sit_down, rig, state_of, tmp_path, base_image
):
    async with sit_down() as technician:
        ledger = technician.app.workplace.ledger
        make_card(tmp_path / "card.img", base_image, rig, ledger)
        ledger.record(replace(ledger.entries()[0], site="elsewhere"))
        await open_done(technician, rig, state_of())
        await technician.until(lambda: bool(technician.app.screen.seen.entries))
        for key, name in (("l", "out.pdf"), ("l", "out.svg"), ("e", "out.json"), ("e", "out.csv")):
            await save_as(technician, key, tmp_path / name)
            await technician.until((tmp_path / name).exists)
        assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
        assert [line.node for line in read_ledger(tmp_path / "out.json")] == [NODE]
        assert len((tmp_path / "out.csv").read_text().splitlines()) == 2
        await save_as(technician, "e", tmp_path / "hosts.yaml")
        await technician.until((tmp_path / "hosts.yaml").exists)
        assert json.dumps(NODE) in (tmp_path / "hosts.yaml").read_text()


async def test_a_file_that_is_there_is_replaced_only_when_that_is_meant(
    sit_down, rig, state_of, tmp_path
):
    kept = tmp_path / "kept.json"
    kept.write_text("mine")
    async with sit_down() as technician:
        await open_done(technician, rig, state_of())
        await save_as(technician, "e", kept)
        question = await technician.see(QuestionScreen)
        assert question.focused.id == "no"
        await technician.press("enter")
        await technician.see(SaveFileScreen)
        assert kept.read_text() == "mine"
        await technician.press("escape")
        await technician.see(DoneScreen)
        assert kept.read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "told"),
    [("/nowhere/at/all.json", "There is no folder /nowhere/at."), ("/tmp/x.pdf", "must end in")],
)
async def test_a_place_that_cannot_be_written_is_told_at_once(sit_down, rig, state_of, path, told):
    async with sit_down() as technician:
        await open_done(technician, rig, state_of())
        await save_as(technician, "e", Path(path))
        await technician.until(lambda: told in technician.read())
        assert not Path(path).exists()


async def test_labels_of_no_cards_are_explained(sit_down, rig, state_of, tmp_path):
    async with sit_down() as technician:
        await open_done(technician, rig, state_of())
        await save_as(technician, "l", tmp_path / "none.pdf")
        await technician.until(lambda: "no verified card" in technician.read())
        assert not (tmp_path / "none.pdf").exists()


async def test_a_rehearsal_needs_a_card_or_an_image(sit_down, rig, state_of):
    async with sit_down() as technician:
        await open_done(technician, rig, state_of())
        await technician.press("r")
        await technician.until(lambda: "neither a card of it" in technician.read())


async def test_the_card_in_a_reader_is_the_one_that_is_rehearsed(
    sit_down, rig, state_of, base_image
):
    async with sit_down() as technician:
        workplace = technician.app.workplace
        reader = workplace.catalog.drives()[0].path
        reader.unlink()
        make_card(reader, base_image, rig, workplace.ledger, "controller")
        await open_done(technician, rig, state_of())
        await technician.until(lambda: bool(technician.app.screen.seen.entries))
        await technician.press("r")
        screen = await technician.see(RehearsalScreen)
        await technician.until(lambda: not screen.busy and screen.has_class("-ended"))
        assert "controller did not come up" in technician.read()
        assert "a copy of the card in " in technician.read()
        assert "lacks a file that every start needs" in technician.read()
        await technician.press("escape")
        await technician.see(DoneScreen)


async def test_a_site_that_lies_here_only_asks_to_be_backed_up_and_is(sit_down, rig, tmp_path):
    save_site(replace(rig.site, name="studio"), rig.secrets)
    studio = lay_out(rig.profile, *load_site("studio"))
    bench = BenchState(studio.nodes, {node.name: NodeState.READY for node in studio.nodes})
    async with sit_down() as technician:
        await open_done(technician, studio, bench)
        await technician.until(
            lambda: "The site studio is kept on this computer" in technician.read()
        )
        await technician.press("b")
        backup = await technician.see(BackupScreen)
        backup.query_one("#file").value = str(tmp_path / "out.flasher-site")
        for field in ("#seal", "#seal_again"):
            backup.query_one(field).value = "four plain words here"
        await technician.press("ctrl+s")
        await technician.see(DoneScreen)
        await technician.until(lambda: "kept on this computer only" not in technician.read())
        assert site_name_in(tmp_path / "out.flasher-site") == "studio"


async def test_from_the_bench_to_the_end_and_back_with_a_node_to_be_made_next(sit_down):
    async with sit_down() as technician:
        bench = await technician.go_to_bench()
        await technician.press("d")
        await technician.see(DoneScreen)
        await technician.press("down", "down", "enter")
        assert await technician.see(BenchScreen) is bench
        await technician.until(lambda: bench.runner.state.chosen == ("cam-0102",))
