"""Which cards a release can reach is told by their images: when they are made, and when it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from autosetup.trust import UPDATE_ROOT
from flasher.process import run
from tests.integration.command_line import flasher
from tests.integration.conftest import ROOT

RIG = ("--scanner", "body-16x7", "--site", "studio")


def with_words(*argv: str | Path) -> dict[str, object]:
    """The program's answer, where it is given a passphrase or password on descriptor 0."""
    command = [sys.executable, "-m", "flasher", *map(str, argv), "0", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, input="words for tests\n")
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def with_root(base_image: Path, root: object, folder: Path) -> Path:
    """The image as `build-base --update-root` makes it."""
    image = folder / "with-root.img"
    shutil.copyfile(base_image, image)
    folders = ["mkdir /etc/autosetup", "mkdir /etc/autosetup/update"]
    commands = "\n".join([*folders, f"write {root} {UPDATE_ROOT}"])
    run(["debugfs", "-w", "-f", "-", f"{image}?offset={ROOT[0]}"], stdin=commands.encode())
    return image


def prepare(node: str, image: Path, folder: Path) -> str:
    """Make a card as a file; gives what people are told."""
    card = folder / f"{node}.img"
    words = ("--node", node, "--image", image, "--to", card, "--size", "60M", "--yes")
    command = [sys.executable, "-m", "flasher", "prepare", *RIG, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_cards_whose_image_takes_no_releases_are_named_and_left_out(
    base_image: Path, tmp_path: Path
) -> None:
    with_words("site", "new", "studio", "--country", "DE", "--password-fd")
    made = with_words("release", "init", tmp_path / "updates", "--passphrase-fd")
    assert "cam-0101 can never take one" in prepare("cam-0101", base_image, tmp_path)
    status, refused = flasher("release", "new", *RIG)
    assert (status, refused["code"]) == (2, "nothing-to-release")
    assert "cam-0101: their image takes no releases" in str(refused["hint"])
    image = with_root(base_image, made["root_file"], tmp_path)
    assert "never" not in prepare("cam-0102", image, tmp_path)
    status, drafted = flasher("release", "new", *RIG)
    assert drafted["nodes"] == ["cam-0102"]
    assert "cam-0101: their image takes no releases" in str(drafted["left_out"])
