"""Scripts of the technician's own, from the command line onto a card that others read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autosetup.payload import read_folder, unpack
from flasher.process import run
from flasher.rig.profile import load_profile
from tests.integration.command_line import all_told, flasher

WARM = b"#!/bin/sh\r\necho warm\r\n"
COOL = b"#!/usr/bin/python3\nprint('cool')\n"
NODE = ("--scanner", "body-16x7", "--site", "demo", "--node", "SEG1-CAM1")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """What a technician was given: two scripts, one of them saved on Windows."""
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / "warm up.sh").write_bytes(WARM)
    (folder / "20-cool.py").write_bytes(COOL)
    return folder


def scripts(*argv: str | Path) -> list[dict[str, object]]:
    status, told = flasher("profile", *argv)
    assert status == 0, told
    found: list[dict[str, object]] = told["scripts"]  # type: ignore[assignment]
    return found


def payload_on(card: Path, folder: Path) -> dict[str, bytes]:
    """What mtools finds in the card's payload."""
    run(["mcopy", "-s", "-n", "-i", f"{card}@@{1 << 20}", "::/autosetup", str(folder)])
    return read_folder(folder / "autosetup")


def test_own_scripts_come_onto_the_card_in_their_order_after_the_profiles(
    stick: Path, tmp_path: Path, base_image: Path
) -> None:
    scripts("add-script", "body-16x7", stick / "warm up.sh", "--mend", "--role", "camera")
    scripts("add-script", "body-16x7", stick / "20-cool.py", "--node", "SEG1-CAM1", "--place", "1")
    scripts("add-script", "body-16x7", stick / "20-cool.py", "--replace", "--title", "Cools")
    card = tmp_path / "card.img"
    card.touch()
    os.truncate(card, 64 << 20)
    status, made = flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    assert status == 0, made
    raw = payload_on(card, tmp_path)
    found = unpack(raw)
    assert [script.source for script in found.settings.scripts] == [
        "scripts/10-prepare-scanner.sh",
        "scripts/99-01-cool.py",
        "scripts/99-02-warm-up.sh",
    ]
    assert raw["scripts/99-01-cool.py"] == COOL
    assert raw["scripts/99-02-warm-up.sh"] == b"#!/bin/sh\necho warm\n"
    assert found.manifest.profile_digest == load_profile("body-16x7").digest


def test_line_ends_are_mended_on_request_and_only_in_the_copy(stick: Path) -> None:
    status, told = flasher("profile", "add-script", "body-16x7", stick / "warm up.sh")
    assert status == 2
    assert "CRLF" in str(told["message"])
    assert "--mend" in str(told["hint"])
    assert scripts("scripts", "body-16x7") == []
    scripts("add-script", "body-16x7", stick / "warm up.sh", "--mend")
    assert (stick / "warm up.sh").read_bytes() == WARM


def test_a_script_is_changed_moved_switched_off_and_removed(stick: Path) -> None:
    scripts("add-script", "body-16x7", stick / "warm up.sh", "--mend")
    scripts("add-script", "body-16x7", stick / "20-cool.py")
    (cool, warm) = scripts("set-script", "body-16x7", "cool.py", "--place", "1", "--off")
    assert (cool["file"], cool["enabled"], cool["count"]) == ("cool.py", False, 0)
    assert (warm["file"], warm["count"]) == ("warm-up.sh", 113)
    status, told = flasher("profile", "remove-script", "body-16x7", "cool.py")
    assert (status, told["code"]) == (2, "not-confirmed")
    (left,) = scripts("remove-script", "body-16x7", "cool.py", "--yes")
    assert left["file"] == "warm-up.sh"


def test_a_dry_run_tells_the_own_scripts_of_each_node(
    stick: Path, tmp_path: Path, base_image: Path
) -> None:
    scripts("add-script", "body-16x7", stick / "20-cool.py", "--role", "camera")
    both = (*NODE[:-1], "controller,SEG1-CAM1")
    cards = f"{tmp_path / 'a'},{tmp_path / 'b'}"
    argv = ("--to", cards, "--size", "64M", "--image", base_image, "--dry-run")
    _, told = flasher("prepare", *both, *argv)
    planned: list[dict[str, object]] = told["planned"]  # type: ignore[assignment]
    assert [card["own_scripts"] for card in planned] == [[], ["cool.py"]]


def test_a_script_that_linux_would_not_run_fails_the_check_and_stops_a_card(
    stick: Path, tmp_path: Path, base_image: Path
) -> None:
    scripts("add-script", "body-16x7", stick / "20-cool.py")
    folder = flasher("profile", "scripts", "body-16x7")[1]["folder"]
    (Path(str(folder)) / "cool.py").write_bytes(WARM)
    assert flasher("profile", "check", "body-16x7")[0] == 2
    argv = ("--to", tmp_path / "card.img", "--size", "64M", "--image", base_image)
    status, told = flasher("prepare", *NODE, *argv)
    assert (status, told["code"]) == (2, "bad-document")
    assert not (tmp_path / "card.img").exists()


def test_a_script_for_a_node_that_is_gone_is_told_in_words(stick: Path, tmp_path: Path) -> None:
    scripts("add-script", "body-16x7", stick / "20-cool.py", "--node", "SEG16-CAM7")
    own = tmp_path / "data/profiles/body-16x7"
    (own / "files").mkdir(parents=True)
    shipped = load_profile("body-16x7").path
    for name in load_profile("body-16x7").files[1:]:
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).write_bytes((shipped.parent / name).read_bytes())
    (own / "profile.toml").write_text(shipped.read_text().replace("columns = 16", "columns = 15"))
    (script,) = scripts("scripts", "body-16x7")
    assert (script["missing"], script["count"]) == (["cam-1607"], 0)


def test_a_profile_is_taken_over_from_a_stick_with_what_it_names_and_nothing_else(
    stick: Path, tmp_path: Path
) -> None:
    shipped = load_profile("camnode-48").path.parent
    subprocess.run(["cp", "-r", f"{shipped}/.", stick], check=True)
    status, told = flasher("profile", "import", stick)
    assert status == 0, told
    taken = tmp_path / "data/profiles/camnode-48"
    names = {str(p.relative_to(taken)) for p in taken.rglob("*") if p.is_file()}
    assert names == {"profile.toml", "files/camera.conf", "scripts/picture-store.sh"}
    assert load_profile("camnode-48").path.parent == taken
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["profiles"]
    status, told = flasher("profile", "import", stick)
    assert (status, told["code"]) == (2, "profile-exists")
    assert flasher("profile", "import", stick, "--replace")[0] == 0


def test_a_profile_with_faults_is_not_taken_over(stick: Path, tmp_path: Path) -> None:
    (stick / "profile.toml").write_text('format = 1\nname = "face"\ntitel = "Face"\n')
    status, told = all_told("profile", "import", stick)
    assert status == 2
    assert "Did you mean title?" in str(told[-1]["message"])
    assert not (tmp_path / "data/profiles").exists()
    assert flasher("profile", "import", tmp_path)[1]["code"] == "no-profile"
