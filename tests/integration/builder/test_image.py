"""The image, judged by tools that are not ours."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.disk import Identity
from builder.filesystems import MIB
from builder.layers import Layer
from builder.lock import Lock
from builder.native_root import NativeRoot
from builder.recipe import ImageSettings, Recipe
from builder.release.files import Release
from builder.release.make import make_release
from flasher.errors import FlasherError
from flasher.image.bmap import read_bmap
from flasher.image.ranges import ByteRange, overlap
from tests.integration.builder.conftest import Builds, Grow

SETTINGS = ImageSettings(boot_size_mib=64, root_slack_mib=16)


def tool(*argv: str, folder: Path | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def partitions(image: Path) -> list[dict[str, object]]:
    table = json.loads(tool("sfdisk", "-J", str(image)))["partitiontable"]
    assert table["label"] == "dos"
    return list(table["partitions"])


def cut_out(image: Path, number: int) -> Path:
    """One partition as a file, so that each tool judges it without our offsets."""
    part = partitions(image)[number]
    start, size = int(str(part["start"])), int(str(part["size"]))
    target = image.with_suffix(f".{number}")
    tool("dd", f"if={image}", f"of={target}", "bs=512", f"skip={start}", f"count={size}")
    return target


def test_the_table_is_what_every_raspberry_pi_reads(build: Builds):
    image = build().image
    tool("sfdisk", "--verify", str(image))
    boot, root = partitions(image)
    assert (boot["type"], boot["bootable"], root["type"]) == ("c", True, "83")
    for part in (boot, root):
        assert int(str(part["start"])) % 8192 == 0
    assert image.stat().st_size % (4 * MIB) == 0
    assert int(str(root["start"])) + int(str(root["size"])) == image.stat().st_size // 512


def test_the_boot_partition_is_a_clean_fat32_with_the_firmwares_files(build: Builds):
    fat = cut_out(build().image, 0)
    tool("fsck.fat", "-n", str(fat))
    assert "FAT32" in tool("file", str(fat)) or "FAT (32 bit)" in tool("file", str(fat))
    assert tool("blkid", "-p", "-o", "value", "-s", "LABEL", str(fat)) == "bootfs\n"
    listed = tool("mdir", "-b", "-/", "-i", str(fat), "::").split()
    assert set(listed) == {
        "::/cmdline.txt",
        "::/config.txt",
        "::/start.elf",
        "::/vmlinuz-6.12.117+deb13-arm64",
        "::/overlays/",
        "::/overlays/disable-bt.dtbo",
    }
    kernel = tool("mtype", "-i", str(fat), "::/vmlinuz-6.12.117+deb13-arm64")
    assert kernel == "kernel" * 1000


def test_the_root_partition_is_a_clean_ext4_with_the_merged_tree(build: Builds):
    ext4 = cut_out(build().image, 1)
    tool("e2fsck", "-fn", str(ext4))
    assert tool("blkid", "-p", "-o", "value", "-s", "LABEL", str(ext4)) == "rootfs\n"

    def debugfs(request: str) -> str:
        return tool("debugfs", "-R", request, str(ext4))

    assert debugfs("cat /etc/kept") == "from below"
    assert debugfs("cat /etc/replaced") == "new"
    assert "removed" not in debugfs("ls /etc")
    stat = debugfs("stat /usr/bin/tool")
    assert "Mode:  04755" in stat
    assert "User:   123" in stat
    assert "Group: 45678" in stat
    assert "Links: 2" in stat
    assert "config.txt" not in debugfs("ls /boot/firmware")
    assert "usr/bin" in debugfs("stat /bin")


def test_the_slack_asked_for_is_free(build: Builds):
    header = tool("dumpe2fs", "-h", str(cut_out(build().image, 1)))
    free = next(line for line in header.splitlines() if line.startswith("Free blocks:"))
    assert int(free.split()[-1]) * 4096 >= SETTINGS.root_slack_mib * MIB


def test_a_third_partition_begins_with_the_folder_for_data(build: Builds):
    release = build(replace(SETTINGS, data_size_mib=128))
    tool("sfdisk", "--verify", str(release.image))
    _, root, data = partitions(release.image)
    assert data["type"] == "83"
    assert int(str(data["start"])) == int(str(root["start"])) + int(str(root["size"]))
    assert int(str(data["size"])) * 512 == 128 * MIB
    for number, label in ((1, "rootfs"), (2, "data")):
        ext4 = cut_out(release.image, number)
        tool("e2fsck", "-fn", str(ext4))
        assert tool("blkid", "-p", "-o", "value", "-s", "LABEL", str(ext4)) == f"{label}\n"
    below, kept = (str(release.image.with_suffix(f".{number}")) for number in (1, 2))
    assert tool("debugfs", "-R", "cat /conf/rig", kept) == "for every rig"
    assert "Type: directory    Mode:  0755" in tool("debugfs", "-R", "stat /data", below)
    assert "conf" not in tool("debugfs", "-R", "ls /data", below)
    tool("fsck.fat", "-n", str(cut_out(release.image, 0)))


@pytest.mark.parametrize("settings", [SETTINGS, replace(SETTINGS, data_size_mib=128)])
def test_what_a_card_held_before_cannot_shine_through(build: Builds, settings: ImageSettings):
    """Journal, inode tables and all of the boot partition are mapped, though mostly zeros."""
    release = build(settings)
    mapped = read_bmap(release.bmap.read_bytes()).byte_ranges()
    boot, *others = partitions(release.image)
    start, size = int(str(boot["start"])) * 512, int(str(boot["size"])) * 512
    assert any(one.offset <= start and start + size <= one.end for one in mapped)
    for number, part in enumerate(others, 1):
        used = tool("dumpe2fs", "-h", str(cut_out(release.image, number))).splitlines()
        count, free = (
            int(line.split()[-1])
            for line in used
            if line.startswith(("Block count:", "Free blocks:"))
        )
        begin, size = int(str(part["start"])) * 512, int(str(part["size"])) * 512
        place = ByteRange(begin, size)
        inside = (overlap(one, place) for one in mapped)
        assert sum(one.length for one in inside if one) >= (count - free) * 4096


def test_the_same_layers_give_the_same_table_and_boot_partition(build: Builds):
    settings = replace(SETTINGS, data_size_mib=128)
    first, second = (build(settings, name).image for name in ("first", "second"))
    size = int(str(partitions(first)[2]["size"])) * 512
    tool("cmp", "--bytes", str(size), *(str(cut_out(image, 2)) for image in (first, second)))
    assert partitions(first)[1]["start"] == partitions(second)[1]["start"] == 68 * MIB // 512
    tool("cmp", "--bytes", str(68 * MIB), str(first), str(second))


def test_the_ids_on_disk_follow_from_the_images_key(build: Builds):
    release = build()
    ids = Identity.from_key(json.loads(release.manifest.read_bytes())["inputs"]["image"])
    told = json.loads(tool("sfdisk", "-J", str(release.image)))["partitiontable"]["id"]
    assert int(told, 16) == ids.disk
    serial, uuid = (
        tool(
            "blkid", "-p", "-o", "value", "-s", "UUID", str(cut_out(release.image, number))
        ).strip()
        for number in (0, 1)
    )
    assert serial.replace("-", "").lower() == f"{ids.volume:08x}"
    assert uuid == str(ids.root)


def test_a_tree_that_no_pi_could_boot_is_refused_with_all_that_is_missing(
    tiny_trees: tuple[Grow, Grow],
    tiny_recipe: Recipe,
    lock: Lock,
    add_layer: Callable[..., Layer],
    bench_of: Callable[..., Bench],
    tools: NativeRoot,
    tmp_path: Path,
):
    bench = bench_of(add_layer("below", tiny_trees[0]))
    for_pis = replace(tiny_recipe, architecture="arm64")
    with pytest.raises(StepFailed) as refused:
        make_release(Release(tmp_path / "out", "tiny"), for_pis, lock, bench, tools)
    assert refused.value.code == "not-bootable"
    for name in ("config.txt", "cmdline.txt", "start.elf"):
        assert name in refused.value.message
    assert list((tmp_path / "out").iterdir()) == []


def test_boot_files_that_do_not_fit_are_refused_with_the_setting_to_raise(
    tiny_trees: tuple[Grow, Grow],
    tiny_recipe: Recipe,
    lock: Lock,
    add_layer: Callable[..., Layer],
    bench_of: Callable[..., Bench],
    tools: NativeRoot,
    tmp_path: Path,
):
    below, above = tiny_trees

    def grow(tree: Path) -> None:
        above(tree)
        with (tree / "boot/firmware/initrd").open("wb") as handle:
            handle.truncate(65 * MIB)

    bench = bench_of(add_layer("below", below), add_layer("large", grow))
    with pytest.raises(FlasherError) as refused:
        make_release(Release(tmp_path / "out", "tiny"), tiny_recipe, lock, bench, tools)
    assert refused.value.code == "boot-partition-too-small"
    assert "boot_size_mib" in refused.value.hint
    assert list((tmp_path / "out").iterdir()) == []
