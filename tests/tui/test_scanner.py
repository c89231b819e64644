"""The first screen: what a scanner is, its scripts, and profiles from a stick."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from flasher.process import run
from flasher.rig.entry import Entry
from flasher.rig.own_script import OwnScript, draft_script
from flasher.rig.own_scripts import add_script, folder_of, load_own
from flasher.rig.profile import load_profile
from flasher.tui.places import completed, look_into, sticks
from flasher.tui.screens.choose_file import ChooseFileScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.script_preview import ScriptPreview
from flasher.tui.screens.script_settings import ScriptSettings
from flasher.tui.screens.scripts import ScriptsScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.told import ToldScreen
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.file_list import FileList
from tests.tui.pictures import check_picture
from tests.tui.technician import Technician

GOOD = b"#!/bin/sh\nfor lamp in 1 2 3; do\n  echo $lamp\ndone\n"
WINDOWS = GOOD.replace(b"\n", b"\r\n")
LARGE = """
format = 1
name = "a-large-one"
title = "Large rig"
[[role]]
name = "camera"
title = "Camera node"
columns = 30
rows = 10
node = "cam-{column:02}{row:02}"
position = "C{column}R{row}"
"""


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stick, which plays the person's home: one script is good, one was saved on Windows."""
    folder = tmp_path / "stick"
    folder.mkdir()
    monkeypatch.setattr("flasher.tui.widgets.file_list.home", lambda: folder)
    (folder / "lamps.sh").write_bytes(GOOD)
    (folder / "warm up.sh").write_bytes(WINDOWS)
    (folder / "zipped.sh").write_bytes(b"PK\x03\x04\x00\x00")
    return folder


def own() -> list[tuple[str, bytes]]:
    return [(script.file, script.content) for script in load_own("body-16x7")]


def keep(name: str, content: bytes = GOOD, **settings: object) -> OwnScript:
    """A script that is there already."""
    return add_script("body-16x7", replace(draft_script(name, content), **settings))  # type: ignore[arg-type]


def listed(technician: Technician) -> str:
    """What stands in the list on the left."""
    entries = technician.app.screen.query_one(ChoiceList)
    return " ".join(" ".join(str(option.prompt) for option in entries.options).split())


async def go_to_scripts(technician: Technician) -> ScriptsScreen:
    await technician.until(lambda: bool(listed(technician)))
    await technician.press("s")
    return await technician.see(ScriptsScreen)


async def type_path(technician: Technician, path: Path) -> None:
    """Type a path into the window that asks for a file."""
    screen = await technician.see(ChooseFileScreen)
    await technician.until(lambda: screen.query_one(FileList).option_count > 0)
    await technician.press("shift+tab")
    screen.query_one(Input).value = str(path)
    await technician.press("enter")


# --- scripts ----------------------------------------------------------------------------------


async def test_a_script_is_walked_to_looked_at_and_added_for_a_role(sit_down, stick):
    async with sit_down() as technician:
        await go_to_scripts(technician)
        assert "10-prepare-scanner.sh of the profile: Controller, Camera" in listed(technician)
        await technician.press("a")
        chooser = await technician.see(ChooseFileScreen)
        await technician.until(lambda: "Your files" in technician.read())
        files = chooser.query_one(FileList)
        while files.folder != stick:
            await technician.press("enter" if "Your files" in technician.read() else "left")
            await technician.until(lambda: "lamps.sh" in technician.read())
        await technician.press("enter")
        preview = await technician.see(ScriptPreview)
        assert "2 for lamp in 1 2 3; do" in technician.read()
        assert preview.focused.id == "yes"
        await technician.press("enter")
        await technician.see(ScriptSettings)
        assert "Nothing ticked: every node, 113 cards" in technician.read()
        await technician.press("down", "space")
        await technician.until(lambda: "→ 112 of 113 cards" in technician.read())
        await technician.press("ctrl+s")
        await technician.see(ScriptsScreen)
        (script,) = load_own("body-16x7")
        assert (script.file, script.roles, script.content) == ("lamps.sh", ("camera",), GOOD)
        await technician.until(lambda: "✓ 1 lamps.sh" in listed(technician))
        await technician.press("escape")
        await technician.see(ScannerScreen)
        await technician.until(lambda: "✓ Scripts of yours: 1" in technician.read())


async def test_a_script_is_on_the_next_card_that_is_made(sit_down):
    keep("lamps.sh", roles=("camera",))
    async with sit_down() as technician:
        await technician.go_to_bench()
        await technician.make_card(2)
        boot = f"{technician.drive(2)}@@1048576"
        script = run(["mtype", "-i", boot, "::/autosetup/scripts/99-01-lamps.sh"]).text
        assert script == GOOD.decode()


async def test_windows_line_ends_are_mended_only_where_that_is_chosen(sit_down, stick):
    async with sit_down() as technician:
        await go_to_scripts(technician)
        for keys in (["escape"], ["enter"]):
            await technician.press("a")
            await type_path(technician, stick / "warm up.sh")
            preview = await technician.see(ScriptPreview)
            assert "The lines end as on Windows" in technician.read()
            assert preview.focused.id == "no"
            await technician.press(*keys)
            await technician.see(ScriptsScreen)
            assert own() == []
        await technician.press("a")
        await technician.see(ChooseFileScreen)
        await technician.until(lambda: "warm up.sh" in technician.read())
        await technician.press("down", "enter")
        await technician.see(ScriptPreview)
        await technician.press("tab", "enter")
        await technician.see(ScriptSettings)
        await technician.press("ctrl+s")
        await technician.see(ScriptsScreen)
        assert own() == [("warm-up.sh", GOOD)]
        assert (stick / "warm up.sh").read_bytes() == WINDOWS


async def test_what_is_no_script_is_shown_with_the_reason_and_cannot_be_added(sit_down, stick):
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("a")
        await type_path(technician, stick / "zipped.sh")
        preview = await technician.see(ScriptPreview)
        assert "This is no script" in technician.read()
        assert not preview.query("#yes")
        await technician.press("enter")
        await technician.see(ScriptsScreen)
        assert own() == []


async def test_a_path_that_is_none_is_told_and_a_folder_is_opened(sit_down, stick):
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("a")
        await type_path(technician, stick / "nothing.sh")
        await technician.until(lambda: "There is no file of this name." in technician.read())
        screen = await technician.see(ChooseFileScreen)
        screen.query_one(Input).value = str(stick)
        await technician.press("enter")
        await technician.until(lambda: "zipped.sh" in technician.read())
        await technician.press("left")
        await technician.until(lambda: "Your files" in technician.read())
        await technician.press("escape")
        await technician.see(ScriptsScreen)


async def test_any_name_of_a_file_can_be_shown_and_added(sit_down, stick):
    for name in (b"[b]warm[b] \x1b[2J.sh", b"\xff\xfe.sh"):
        Path(os.fsdecode(os.fsencode(stick) + b"/" + name)).write_bytes(GOOD)
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("a")
        await type_path(technician, stick)
        await technician.until(lambda: "zipped.sh" in technician.read())
        assert r"[b]warm[b] \x1b[2J.sh" in technician.read()
        await technician.press("enter")
        await technician.see(ScriptPreview)
        assert r"[b]warm[b] \x1b[2J.sh" in technician.read()
        await technician.press("enter")
        await technician.see(ScriptSettings)
        await technician.press("ctrl+s")
        await technician.see(ScriptsScreen)
        assert [file for file, _content in own()] == ["b-warm-b-2J.sh"]


async def test_a_stick_that_is_gone_is_told_and_the_places_stay(sit_down, stick):
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("a")
        screen = await technician.see(ChooseFileScreen)
        await technician.until(lambda: "Your files" in technician.read())
        files = screen.query_one(FileList)
        shutil.rmtree(stick)
        files.highlighted = files.option_count - 2
        await technician.press("enter")
        await technician.until(lambda: "No such file or directory" in technician.read())
        assert "This computer" in technician.read()


async def test_a_newer_version_takes_the_place_of_a_script_only_after_a_question(sit_down, stick):
    keep("lamps.sh", b"#!/bin/sh\n", roles=("camera",))
    async with sit_down() as technician:
        await go_to_scripts(technician)
        for keys, content in ((["enter"], b"#!/bin/sh\n"), (["tab", "enter"], GOOD)):
            await technician.press("a")
            await technician.see(ChooseFileScreen)
            if content != GOOD:
                await technician.press("escape", "a")
                await type_path(technician, stick / "lamps.sh")
            else:
                await technician.until(lambda: "lamps.sh" in technician.read())
                await technician.press("enter")
            preview = await technician.see(ScriptPreview)
            assert preview.focused.id == "no"
            assert "Replace lamps.sh" in technician.read()
            await technician.press(*keys)
            await technician.see(ScriptsScreen)
            (script,) = load_own("body-16x7")
            assert (script.content, script.roles) == (content, ("camera",))


async def test_scripts_change_places_are_switched_off_and_removed_after_a_question(sit_down):
    for name in ("a.sh", "b.sh"):
        keep(name)
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("plus")
        await technician.until(lambda: "✓ 1 b.sh" in listed(technician))
        assert [file for file, _content in own()] == ["b.sh", "a.sh"]
        await technician.press("ctrl+up", "o")
        await technician.until(lambda: "■ 1 a.sh switched off" in listed(technician))
        await technician.press("d")
        question = await technician.see(QuestionScreen)
        assert question.focused.id == "no"
        await technician.press("escape")
        await technician.see(ScriptsScreen)
        assert len(own()) == 2
        await technician.press("d")
        await technician.see(QuestionScreen)
        await technician.press("tab", "enter")
        await technician.see(ScriptsScreen)
        await technician.until(lambda: [file for file, _content in own()] == ["b.sh"])


async def test_nodes_are_typed_by_their_labels_and_what_is_wrong_is_said_below(sit_down):
    keep("lamps.sh")
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("w")
        settings = await technician.see(ScriptSettings)
        await technician.until(lambda: "Nothing ticked: every node" in technician.read())
        settings.query_one("#nodes", Input).value = "SEG4-CAM33"
        settings.query_one("#timeout", Input).value = "soon"
        await technician.press("ctrl+s")
        await technician.until(lambda: "Did you mean SEG4-CAM3?" in technician.read())
        assert "Type a number from 1 to 86400." in technician.read()
        settings.query_one("#nodes", Input).value = "SEG4-CAM3, controller"
        settings.query_one("#timeout", Input).value = "30"
        settings.query_one("#title", Input).value = "Tests the lamps"
        await technician.until(lambda: "→ 2 of 113 cards" in technician.read())
        await technician.press("ctrl+s")
        await technician.see(ScriptsScreen)
        (script,) = load_own("body-16x7")
        assert (script.nodes, script.timeout_seconds) == (("cam-0403", "controller"), 30)
        await technician.until(lambda: "Tests the lamps" in technician.read())


async def test_escape_from_the_settings_changes_nothing(sit_down):
    before = keep("lamps.sh")
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("w")
        settings = await technician.see(ScriptSettings)
        settings.query_one("#title", Input).value = "x"
        await technician.press("space", "escape")
        await technician.see(ScriptsScreen)
        assert load_own("body-16x7") == (before,)


async def test_a_script_spoiled_in_its_folder_stops_its_scanner_until_it_is_mended(sit_down):
    keep("lamps.sh")
    (folder_of("body-16x7") / "lamps.sh").write_bytes(WINDOWS)
    async with sit_down() as technician:
        await technician.until(lambda: "a script cannot run" in listed(technician))
        await technician.press("enter")
        await technician.until(lambda: "A script of yours cannot run" in technician.read())
        await go_to_scripts(technician)
        assert "✗ 1 lamps.sh" in listed(technician)
        await technician.press("m")
        await technician.until(lambda: "✓ 1 lamps.sh" in listed(technician))
        assert own() == [("lamps.sh", GOOD)]
        await technician.press("escape")
        await technician.see(ScannerScreen)
        await technician.until(lambda: "a script cannot run" not in listed(technician))
        await technician.press("enter")
        await technician.see(SiteScreen)


async def test_a_script_for_what_the_scanner_has_no_more_is_told(sit_down):
    keep("lamps.sh", roles=("lights",))
    async with sit_down() as technician:
        await go_to_scripts(technician)
        assert "! 1 lamps.sh for no node of this rig" in listed(technician)
        assert "It is for lights, which" in technician.read()


async def test_the_profiles_own_scripts_are_shown_and_cannot_be_changed(sit_down):
    async with sit_down() as technician:
        await go_to_scripts(technician)
        await technician.press("home", "d", "o", "enter")
        await technician.see(ScriptPreview)
        assert "#!/bin/sh" in technician.read()
        await technician.press("escape")
        await technician.see(ScriptsScreen)


async def test_a_list_that_a_person_spoiled_is_told_with_its_lines(sit_down):
    keep("lamps.sh")
    path = folder_of("body-16x7") / "scripts.toml"
    path.write_text(path.read_text().replace("number", "numbr"))
    async with sit_down() as technician:
        await technician.until(lambda: "✗ body-16x7 has faults" in listed(technician))
        assert "Did you mean number?" in technician.read()
        await technician.press("s")
        await technician.until(lambda: "First its faults must be mended" in technician.read())


# --- profiles ---------------------------------------------------------------------------------


async def test_a_profile_is_taken_over_from_a_stick_and_stands_in_the_list(sit_down, stick):
    (stick / "face").mkdir()
    text = LARGE.replace("a-large-one", "face").replace("Large rig", "Face scanner")
    (stick / "face/profile.toml").write_text(text)
    async with sit_down() as technician:
        await technician.press("i")
        await technician.see(ChooseFileScreen)
        await technician.until(lambda: "Your files" in technician.read())
        await type_path(technician, stick)
        await technician.until(lambda: "★ face/" in technician.read())
        await technician.press("enter")
        screen = await technician.see(ScannerScreen)
        await technician.until(lambda: "Face scanner face, 300 nodes" in listed(technician))
        assert screen._at == "face"
        assert load_profile("face").path.is_relative_to(
            technician.app.workplace.ledger.path.parents[1]
        )
        await technician.press("i")
        await type_path(technician, stick / "face")
        question = await technician.see(QuestionScreen)
        assert question.focused.id == "no"
        await technician.press("escape")
        await technician.see(ScannerScreen)


async def test_a_profile_with_faults_is_not_taken_over_and_its_faults_are_told(sit_down, stick):
    (stick / "profile.toml").write_text("format = 1\nname = 'face'\ntitel = 'Face'\n")
    async with sit_down() as technician:
        await technician.press("i")
        await type_path(technician, stick / "profile.toml")
        await technician.see(ToldScreen)
        assert "line 3: titel is not known here. Did you mean title?" in technician.read()
        await technician.press("escape")
        await technician.see(ScannerScreen)
        assert "face" not in listed(technician)


async def test_three_hundred_nodes_are_drawn_and_scrolled(sit_down, folder):
    (folder / "profiles/a-large-one").mkdir(parents=True)
    (folder / "profiles/a-large-one/profile.toml").write_text(LARGE)
    async with sit_down() as technician:
        await technician.until(lambda: "a-large-one, 300 nodes" in listed(technician))
        await technician.until(lambda: "Camera node × 300" in technician.read())
        drawing = technician.app.screen.query_one("#drawing")
        assert drawing.max_scroll_x > 0
        check_picture(technician.app, "scanner-large")


async def test_how_many_cards_are_made_stands_beside_the_title(sit_down):
    async with sit_down() as technician:
        ledger = technician.app.workplace.ledger
        ledger.prepare()
        for number in (1, 2):
            ledger.record(made_card(f"cam-010{number}"))
        await go_to_scripts(technician)
        await technician.press("escape")
        await technician.see(ScannerScreen)
        await technician.until(lambda: "Cards made, of 113: studio 2" in technician.read())


def made_card(node: str) -> Entry:
    return Entry(
        *("2026-11-21", "body-16x7", "studio", node, node, 1, node, "/dev/sdb", "", "", 0, 0.0),
        *("verified", ""),
    )


# --- values -----------------------------------------------------------------------------------


def test_sticks_are_what_is_mounted_where_sticks_are():
    mounts = (
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/anna/MY\\040STICK vfat rw 0 0\n"
        "proc /proc proc rw 0 0\n/dev/sdc1 /run/media/anna/B exfat rw 0 0\n/dev/sdd1 /mnt ext4 rw\n"
    )
    assert [str(path) for path in sticks(mounts)] == [
        "/media/anna/MY STICK",
        "/mnt",
        "/run/media/anna/B",
    ]


def test_paths_are_completed_to_the_first_name_that_begins_so(stick):
    (stick / "lights").mkdir()
    (stick / ".hidden").touch()
    assert completed(f"{stick}/la") == f"{stick}/lamps.sh"
    assert completed(f"{stick}/li") == f"{stick}/lights/"
    assert completed(f"{stick}/x") is None
    assert completed(f"{stick}/") is None
    assert completed("/no/such/folder") is None
    assert [path.name for path in look_into(stick).files] == ["lamps.sh", "warm up.sh", "zipped.sh"]


# --- pictures ---------------------------------------------------------------------------------


async def test_pictures_of_scripts(sit_down, stick):
    keep("lamps.sh", title="Tests the lamps", roles=("camera",))
    keep("warm-up.sh", nodes=("cam-0101",), enabled=False)
    (folder_of("body-16x7") / "warm-up.sh").write_bytes(WINDOWS)
    async with sit_down() as technician:
        await go_to_scripts(technician)
        check_picture(technician.app, "scripts")
        await technician.press("a")
        await type_path(technician, stick / "warm up.sh")
        await technician.see(ScriptPreview)
        check_picture(technician.app, "script-preview")
        await technician.press("escape", "w")
        await technician.see(ScriptSettings)
        check_picture(technician.app, "script-settings")


async def test_a_broken_profile_has_no_scripts_to_show(sit_down, folder):
    (folder / "profiles/a-broken-one").mkdir(parents=True)
    (folder / "profiles/a-broken-one/profile.toml").write_text("format = 1\n")
    async with sit_down() as technician:
        await technician.until(lambda: "a-broken-one has faults" in listed(technician))
        await technician.press("s")
        await technician.until(lambda: "First its faults" in technician.read())
        await technician.see(ScannerScreen)


async def test_without_colours_the_chosen_line_of_a_list_stands_out(sit_down, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with sit_down() as technician:
        scanners = technician.app.screen.query_one(OptionList)
        assert scanners.has_focus
        style = scanners.get_visual_style("option-list--option-highlighted")
        assert style.bold and style.underline  # noqa: PT018
