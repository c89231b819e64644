"""A customisation script of pi_image2 to an image, as pi_image2 itself would be called."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builds.places import FLASHER

pytestmark = pytest.mark.timeout(900)

RECIPE = """
format = 1
name = "below"
from = "debian:trixie"
architecture = "amd64"

[image]
boot_size_mib = 64

[[layer]]
name = "boot"

[[layer.file]]
path = "/boot/firmware/config.txt"
lines = ["kernel=none"]
"""

SCRIPT = """
import imp, crypt
import os, shutil, subprocess
import linux_util

class customizeImage:
	def __init__(self, git_token=None):
		self.conf = {
			"hostname": "coolrobot",
			"rootfs_extra_space_mb": 100,
			"rootfs": "ROOTFS",
			"flavour": "coolproject",
			"release": "trixie",
			"imagedir": "IMAGEDIR",
			"apt_get_packages": ["python3-serial"],
		}

	def execute_customizations(self):
		os.makedirs("/etc/update-motd.d", exist_ok=True)
		subprocess.run("echo 'echo Welcome' >> /etc/update-motd.d/50-cool", check=True, shell=True)
		subprocess.run("python3 -c 'import serial'", check=True, shell=True)
		linux_util.create_user("ada", "ada")
		shutil.copy("files/tool.sh", "/usr/bin/tool")
		linux_util.make_executable("/usr/bin/tool")
		linux_util.run_as_user("ubuntu", ["touch", "mine"], cwd="/home/ubuntu", check=True)
"""


def ask(image: Path, *words: str) -> str:
    """e2fsprogs' own reader of the image's root partition."""
    table = json.loads(subprocess.check_output(["sfdisk", "--json", image]))["partitiontable"]
    offset = table["partitions"][1]["start"] * table["sectorsize"]
    argv = ["debugfs", "-R", " ".join(words), f"{image}?offset={offset}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_a_script_becomes_an_image_under_its_own_name_in_its_own_folder(tmp_path: Path):
    rootfs, images = tmp_path / "rootfs", tmp_path / "final-images"
    for folder in (rootfs, images, tmp_path / "checkout/files"):
        folder.mkdir(parents=True)
    (rootfs / "kept").touch()
    (images / "kept").touch()
    (tmp_path / "below.toml").write_text(RECIPE)
    (tmp_path / "checkout/files/tool.sh").write_text("#!/bin/sh\necho tool\n")
    text = SCRIPT.replace("ROOTFS", str(rootfs)).replace("IMAGEDIR", str(images))
    (tmp_path / "customize_coolproject_image.py").write_text(text)
    argv = ["env", f"FLASHER_CACHE={tmp_path / 'cache'}", FLASHER, "build-base"]
    argv += [str(tmp_path / "below.toml"), "--customization", "../customize_coolproject_image.py"]
    argv += ["--compress", "zst", "--json"]

    def build() -> dict[str, object]:
        done = subprocess.run(argv, cwd=tmp_path / "checkout", stdout=subprocess.PIPE, check=True)
        told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return told

    image = Path(str(build()["image"]))
    lock = json.loads((images / "coolproject-trixie-raspberry-pi.lock").read_text())
    day = datetime.fromtimestamp(max(group["epoch"] for group in lock["layers"]), UTC)
    assert image == images / f"{day:%Y-%m-%d}-coolproject-trixie-raspberry-pi.img"
    (asked,) = [group for group in lock["layers"] if group["name"] == "customisation"]
    assert "--install-recommends" in asked["requested"]

    assert ask(image, "cat", "/etc/hostname") == "coolrobot\n"
    assert "127.0.1.1\tcoolrobot coolrobot.local\n" in ask(image, "cat", "/etc/hosts")
    shadow = [line.split(":")[:2] for line in ask(image, "cat", "/etc/shadow").splitlines()]
    assert [line for line in shadow if line[0] in ("ada", "ubuntu")] == [
        ["ubuntu", "!"],
        ["ada", "!"],
    ]
    assert "Mode:  0755" in ask(image, "stat", "/usr/bin/tool")
    assert "User:  1000   Group:  1000" in ask(image, "stat", "/home/ubuntu/mine")
    free = {
        line.split(":")[0]: line.split(":")[1].strip()
        for line in ask(image, "stats").splitlines()
        if line.count(":") == 1
    }
    assert int(free["Free blocks"]) * int(free["Block size"]) >= 100 << 20

    before = {path.name: path.stat().st_mtime_ns for path in images.iterdir()}
    layers = build()["layers"]
    assert isinstance(layers, list)
    assert all(layer["reused"] for layer in layers)
    assert {path.name: path.stat().st_mtime_ns for path in images.iterdir()} == before
    assert (rootfs / "kept").exists()
    assert "kept" in before
