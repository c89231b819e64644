"""Images unpacked into layers: all that they hold, and nothing mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flasher.errors import BadInput
from flasher.process import run
from tests.integration.builder.conftest import Unpack
from tests.integration.builder.packed_trees import (
    EPOCH,
    MIB,
    describe,
    grow,
)


def make_image(image: Path, tree: Path, options: tuple[str, ...]) -> Path:
    """An image as systems for Pis are handed out, its second partition made of a tree."""
    with image.open("wb") as handle:
        handle.truncate(112 * MIB)
    table = "label: dos\nstart=8192, size=65536, type=c\nstart=73728, type=83\n"
    run(["sfdisk", "--quiet", str(image)], stdin=table.encode())
    run(["mkfs.fat", "-F", "16", "--offset", "8192", str(image), "32768"])
    config = image.with_name("config.txt")
    config.write_text("arm_64bit=1\n")
    run(["mmd", "-i", f"{image}@@4M", "::overlays"])
    run(["mcopy", "-i", f"{image}@@4M", str(config), "::config.txt"])
    run(["mcopy", "-i", f"{image}@@4M", str(config), "::overlays/long name.dtbo"])
    run(
        [
            "mke2fs",
            "-q",
            "-F",
            *options,
            "-E",
            f"offset={36 * MIB}",
            "-d",
            str(tree),
            str(image),
            "76M",
        ]
    )
    return image


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ext4"),
        ("-t", "ext4", "-O", "64bit,metadata_csum", "-I", "512", "-b", "1024"),
        ("-t", "ext3", "-I", "128", "-b", "1024"),
        ("-t", "ext2", "-O", "^resize_inode", "-b", "4096"),
    ],
    ids=" ".join,
)
def test_a_tree_from_an_image_is_the_tree_that_the_image_was_made_of(
    tmp_path: Path, unpack: Unpack, options: tuple[str, ...]
):
    source = grow(tmp_path / "tree")
    unpacked = describe(unpack("image", make_image(tmp_path / "a.img", source, options)))
    wanted = describe(source)
    boot = {name for name in unpacked if name.startswith("boot/firmware/")}
    assert {*boot} == {
        f"boot/firmware/{name}" for name in ("config.txt", "overlays", "overlays/long name.dtbo")
    }
    for tree in (wanted, unpacked):
        for name in (*boot, "boot/firmware"):
            tree.pop(name, None)
    assert unpacked.keys() == wanted.keys()
    for name, told in wanted.items():
        assert isinstance(told, tuple)
        # mke2fs takes over whole seconds only
        assert unpacked[name] == (*told[:3], EPOCH * 10**9, *told[4:]), name


def test_nothing_of_an_image_is_ever_mounted(tmp_path: Path, unpack: Unpack):
    image = make_image(tmp_path / "a.img", grow(tmp_path / "tree"), ("-t", "ext4"))
    unpack("image", image)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert str(tmp_path) not in run(["losetup", "--list", "--raw"]).text


def test_an_older_image_keeps_its_boot_files_in_boot_itself(tmp_path: Path, unpack: Unpack):
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/boot").mkdir()
    (tmp_path / "tree/etc/fstab").write_text("/dev/mmcblk0p1 /boot vfat ro 0 0\n")
    tree = unpack("image", make_image(tmp_path / "a.img", tmp_path / "tree", ("-t", "ext4")))
    assert (tree / "boot/config.txt").read_text() == "arm_64bit=1\n"


def test_an_image_that_was_in_use_is_refused(tmp_path: Path, unpack: Unpack):
    image = make_image(tmp_path / "a.img", grow(tmp_path / "tree"), ("-t", "ext4"))
    run(["debugfs", "-w", "-R", "feature needs_recovery", f"{image}?offset={36 * MIB}"])
    with pytest.raises(BadInput, match="needs_recovery") as caught:
        unpack("image", image)
    assert caught.value.code == "ext4-odd"


@pytest.mark.parametrize("size", [36, 40])
def test_an_image_that_was_cut_off_is_told_as_such(tmp_path: Path, unpack: Unpack, size: int):
    image = make_image(tmp_path / "a.img", grow(tmp_path / "tree"), ("-t", "ext4"))
    os.truncate(image, size * MIB + 100)
    with pytest.raises(BadInput):
        unpack("image", image)
