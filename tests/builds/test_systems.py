"""Whole systems from layers that ship: one is built, the others' packages go together."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from builder.catalogue import Archive
from builder.recipe import load_shipped_layer
from builder.resolve import Desk
from builder.wanted import MINIMUM
from flasher.events import CancelFlag, ignore
from tests.builds.conftest import Reference
from tests.builds.image_tree import InTree, run_in_image
from tests.builds.places import Place

pytestmark = pytest.mark.timeout(1800)

RECIPE = """
format = 1
name = "desk"
title = "A desktop that mends other computers"
from = "debian:trixie"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 16

[[layer]]
name = "boot"

[[layer.file]]
path = "/boot/firmware/config.txt"
lines = ["kernel=none"]

[[layer]]
uses = "lxde"

[[layer]]
uses = "rescue"
"""


@pytest.fixture(scope="module")
def image(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "desk.toml").write_text(RECIPE)
    place = Place(folder / "place", folder / "desk.toml")
    place.store.mkdir(parents=True)
    subprocess.run(["cp", "-a", "--link", reference.place.store / "pool", place.store], check=True)
    ended = place.build()
    assert ended.status == 0, ended.words
    return place.out / "desk.img"


@pytest.fixture
def run(image: Path, tmp_path: Path) -> InTree:
    return lambda script: run_in_image(image, script, tmp_path)


def test_the_desktop_begins_with_a_login(run: InTree):
    assert run("systemctl get-default; systemctl is-enabled lightdm").split() == [
        "graphical.target",
        "enabled",
    ]
    assert run("lightdm --show-config 2>&1 | grep -c greeter-session").strip() != "0"
    assert "LXDE.desktop" in run("ls /usr/share/xsessions")


def test_every_program_finds_its_libraries(run: InTree):
    script = "printf '%s\\n' /usr/bin/* /usr/sbin/* | xargs -P 2 -n 200 ldd 2> /dev/null || true"
    told = run(script)
    assert told.count(".so") > 10000
    assert [line for line in told.splitlines() if "not found" in line] == []


def test_packages_are_whole_and_tools_of_rescue_run(run: InTree):
    assert run("dpkg --audit") == ""
    for command in ("partclone.ext4 -v", "xfs_repair -V", "debootstrap --version", "chntpw -h"):
        assert run(f"{command} 2>&1 || true").strip(), command


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "armhf"])
def test_the_other_systems_packages_go_together(architecture: str, tmp_path: Path):
    archive = Archive(updates=False)
    desk = Desk(tmp_path, lambda _: None, Path(os.devnull), ignore, CancelFlag(), archive)
    catalogue = desk.open("trixie", architecture)
    minimum = catalogue.closure(MINIMUM)
    for system, program in ((("litex", "dev"), "default-jdk"), (("kde",), "plasma-desktop")):
        held = minimum
        for layer in system:
            held += catalogue.closure(load_shipped_layer(layer, architecture).packages, held)
        assert program in {offer.package.name for offer in held}
