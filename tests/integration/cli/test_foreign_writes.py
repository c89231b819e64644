"""Files that are no images of whole cards, and cards that are none: written, compared, told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.process import run
from tests.integration.command_line import flasher

MIB = 1 << 20
NODE = ("--scanner", "body-16x7", "--site", "demo", "--node", "cam-0101")

LoopMaker = Callable[..., Path]


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Whole sectors of what is no image."""
    path = tmp_path / "noise.img"
    path.write_bytes(bytes(range(1, 256)) + os.urandom(2 * MIB - 255))
    return path


@pytest.fixture
def blank(tmp_path: Path, make_loop: LoopMaker) -> Path:
    """A card in a reader, all zeros."""
    backing = tmp_path / "blank.backing"
    backing.touch()
    os.truncate(backing, 64 * MIB)
    return make_loop(backing)


@pytest.mark.parametrize("packed", [False, True])
def test_an_image_that_no_pi_starts_from_is_warned_of_before_the_question(
    noise: Path, blank: Path, *, packed: bool
) -> None:
    if packed:
        run(["zstd", "-q", "--rm", str(noise)])
        noise = noise.with_name(f"{noise.name}.zst")
    warning = f"{noise.name} has no partition table: no Pi starts from it."
    command = [sys.executable, "-m", "flasher", "write", str(noise), str(blank)]
    asked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert asked.returncode == 2  # nobody was there to say yes
    assert 0 <= asked.stderr.find(warning) < asked.stderr.find("needs a confirmation")
    status, written = flasher("write", noise, blank, "--yes")
    assert (status, written["warnings"]) == (0, [warning])


def test_images_of_cards_and_of_file_systems_are_not_warned_of(
    base_image: Path, blank: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.img"
    bare.touch()
    os.truncate(bare, 4 * MIB)
    run(["mke2fs", "-q", "-t", "ext4", str(bare)])
    for image in (base_image, bare):
        status, written = flasher("write", image, blank, "--yes")
        assert (status, written["warnings"]) == (0, [])


def test_a_card_of_an_image_without_a_partition_table_is_compared_with_it(
    noise: Path, blank: Path
) -> None:
    assert flasher("write", noise, blank, "--yes")[0] == 0
    status, verified = flasher("verify", blank, "--image", noise)
    assert status == 0, verified
    with blank.open("r+b") as device:
        device.seek(MIB + 7)
        device.write(b"changed")
    status, error = flasher("verify", blank, "--image", noise)
    assert (status, error["code"]) == (1, "card-differs")


def test_a_blank_or_half_written_card_is_named_and_told_as_such(
    blank: Path, base_image: Path
) -> None:
    status, error = flasher("verify", blank, "--image", base_image)
    assert (status, error["code"]) == (1, "no-whole-card")
    assert f"{blank} holds no whole card" in str(error["message"])
    assert flasher("write", base_image, blank, "--yes")[0] == 0
    run(["tune2fs", "-C", "3", f"{blank}?offset={41 * MIB}"])  # of a life before
    with blank.open("r+b") as device:
        device.write(bytes(MIB))  # as a writer leaves it that was interrupted
    status, error = flasher("verify", blank, "--image", base_image)
    assert (status, error["code"]) == (1, "no-whole-card")


def test_a_text_that_is_no_image_is_named(blank: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not an image\n" * 100)
    status, error = flasher("write", text, blank, "--yes")
    assert (status, error["code"]) == (2, "no-partition-table")
    assert str(text) in str(error["message"])
    assert not any(blank.read_bytes()[:MIB])


def test_where_no_image_was_built_the_one_that_the_ledger_knows_is_asked_for(
    blank: Path, base_image: Path
) -> None:
    status, error = flasher("verify", blank)
    assert (status, error["code"]) == (2, "no-image")
    assert error["hint"] == "Name the image that the card was written from: --image."
    assert flasher("prepare", *NODE, "--to", blank, "--image", base_image, "--yes")[0] == 0
    _, error = flasher("verify", blank)
    assert base_image.name in str(error["hint"])
    assert "build" not in str(error["hint"]).lower()
