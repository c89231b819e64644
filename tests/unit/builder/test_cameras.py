"""Cameras and Pis that fit each other, the kernel and the system's programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.cameras import known_cameras, known_ways, with_cameras
from builder.lint.boards import require_processors
from builder.lint.cameras import check_cameras
from builder.recipe import Recipe, load_recipe
from flasher.errors import BadInput
from flasher.firmware.boards import BOARDS

HEAD = 'format = 1\nname = "tiny"\n'
CAMERA = '[[layer]]\nuses = "camera"\n'
RASPBERRY_PI = ("linux-image-rpi-v8", "rpicam-apps-lite")


@pytest.fixture
def recipe(tmp_path: Path):
    def load(image: str, source: str = "debian:trixie", architecture: str = "arm64") -> Recipe:
        path = tmp_path / "tiny.toml"
        path.write_text(f'{HEAD}from = "{source}"\n[image]\n{image}\n{CAMERA}')
        return load_recipe(path, architecture)

    return load


def lines(recipe: Recipe, installed: tuple[str, ...] = ()) -> tuple[str, ...]:
    fitted, _ = with_cameras(recipe, installed)
    return fitted.layers[-1].boot.config


def test_a_camera_sets_what_the_firmware_needs_for_debians_kernel(recipe):
    asked = recipe('boards = ["pi4"]\ncameras = ["imx219", "usb"]')
    assert lines(asked) == ("start_x=1", "gpu_mem=128")


def test_raspberry_pis_kernel_takes_cameras_that_debians_does_not(recipe):
    asked = recipe('boards = ["pi4"]\ncameras = ["imx708", "imx519"]', "raspios:lite-arm64")
    assert lines(asked, RASPBERRY_PI) == ("camera_auto_detect=1", "dtoverlay=imx519")
    with pytest.raises(BadInput) as caught:
        with_cameras(recipe('boards = ["pi4"]\ncameras = ["imx708", "imx519"]'), ())
    assert caught.value.code == "camera-unfit"
    assert "imx708 on Raspberry Pi 4B" in caught.value.message
    assert "imx519 on Raspberry Pi 4B" in caught.value.message


def test_every_pi_that_the_recipe_names_must_take_the_camera(recipe):
    with pytest.raises(BadInput, match="imx219 on Raspberry Pi 400"):
        with_cameras(recipe('boards = ["pi4", "pi400"]\ncameras = ["imx219"]'), ())
    assert lines(recipe('cameras = ["imx219"]'))  # where it names none, those that can


def test_a_suite_whose_kernel_lost_the_driver_gives_no_picture(recipe):
    with pytest.raises(BadInput, match="imx219"):
        with_cameras(recipe('cameras = ["imx219"]', "debian:forky"), ())
    assert lines(recipe('cameras = ["usb"]', "debian:forky")) == ()


def test_a_pc_has_usb_cameras_only(recipe):
    assert lines(recipe('cameras = ["usb"]', architecture="amd64")) == ()
    with pytest.raises(BadInput, match="ov5647 on amd64"):
        with_cameras(recipe('cameras = ["ov5647"]', architecture="amd64"), ())


def test_what_nobody_has_seen_work_is_called_so(recipe):
    _, notes = with_cameras(recipe('boards = ["pi3"]\ncameras = ["imx219"]'), ())
    assert notes == ("Nobody has seen a picture of imx219 yet.",)


def test_unknown_cameras_and_a_missing_layer_are_told(recipe, tmp_path: Path):
    with pytest.raises(BadInput) as caught:
        with_cameras(recipe('cameras = ["imx218"]'), ())
    assert caught.value.code == "camera-unknown"
    assert "imx219" in caught.value.hint
    bare = tmp_path / "bare.toml"
    bare.write_text(f'{HEAD}from = "debian:trixie"\n[image]\ncameras = ["usb"]\n')
    with pytest.raises(BadInput) as caught:
        with_cameras(load_recipe(bare), ())
    assert caught.value.code == "camera-layer-missing"


def test_the_finished_image_must_have_the_drivers(recipe):
    asked = recipe('boards = ["pi3"]\ncameras = ["imx219", "usb"]')
    there = ["/usr/lib/modules/6.12/kernel/bcm2835-v4l2.ko.xz", "kernel/drivers/uvcvideo.ko"]
    assert list(check_cameras(asked, (), there)) == []
    (finding,) = check_cameras(asked, (), there[1:])
    assert "bcm2835-v4l2: the camera imx219" in finding.what


def test_the_table_names_only_what_there_is():
    assert {board for way in known_ways() for board in way.boards} <= BOARDS.keys()
    assert {"imx219", "imx477", "imx708", "ov5647", "usb"} <= set(known_cameras())


@pytest.mark.parametrize("board", ["pi1", "pi1+", "pi0", "pi0w"])
def test_an_armv6_needs_a_system_that_is_made_for_it(recipe, board: str):
    with pytest.raises(BadInput) as caught:
        require_processors(recipe(f'boards = ["{board}"]', architecture="armhf"))
    assert BOARDS[board].title in caught.value.message
    assert "ARMv7" in caught.value.message
    assert "raspios:lite-armhf" in caught.value.hint
    require_processors(recipe(f'boards = ["{board}"]', "raspios:lite-armhf", "armhf"))


def test_a_board_of_32_bits_starts_no_arm64(recipe):
    with pytest.raises(BadInput, match="Raspberry Pi 2B: it starts no 64-bit system"):
        require_processors(recipe('boards = ["pi2", "pi3"]'))


def test_armv6_boards_are_never_meant_unless_named(recipe):
    assert not any(board.sixth for board in recipe("", architecture="armhf").boards)
