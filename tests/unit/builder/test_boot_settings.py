"""Lines of config.txt and words of cmdline.txt, put where kernel updates leave them alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.inside.boot import CUSTOM, EXTRA, HOOK, add


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def read(root: Path, name: str) -> str:
    return (root / name).read_text()


def test_before_the_firmware_comes_the_lines_wait_for_it(tmp_path: Path):
    assert add(tmp_path, ["gpu_mem=128"], ["quiet", "splash"]) == ""
    assert (read(tmp_path, CUSTOM), read(tmp_path, EXTRA)) == ("gpu_mem=128\n", "quiet splash\n")


def test_debians_hook_writes_both_files_anew(tmp_path: Path):
    write(tmp_path, HOOK, f"custom=/{CUSTOM}\n")
    write(tmp_path, "boot/firmware/config.txt", "arm_64bit=1\n")
    assert add(tmp_path, ["gpu_mem=128"], []) == f"/{HOOK}"
    assert read(tmp_path, CUSTOM) == "gpu_mem=128\n"
    assert read(tmp_path, "boot/firmware/config.txt") == "arm_64bit=1\n"


@pytest.mark.parametrize("folder", ["boot/firmware", "boot"])
def test_other_systems_keep_what_stands_in_the_files(tmp_path: Path, folder: str):
    write(tmp_path, HOOK, "another hook of that name\n")
    write(tmp_path, f"{folder}/config.txt", "[all]\ncamera_auto_detect=1")
    write(tmp_path, f"{folder}/cmdline.txt", "root=PARTUUID=1 rootwait\n")
    assert add(tmp_path, ["gpu_mem=128"], ["quiet", "rootwait"]) == ""
    assert read(tmp_path, f"{folder}/config.txt") == "[all]\ncamera_auto_detect=1\ngpu_mem=128\n"
    assert read(tmp_path, f"{folder}/cmdline.txt") == "root=PARTUUID=1 rootwait quiet\n"


def test_layers_add_to_what_layers_below_have_said(tmp_path: Path):
    add(tmp_path, ["a=1"], ["one"])
    add(tmp_path, ["b=2"], ["two"])
    assert (read(tmp_path, CUSTOM), read(tmp_path, EXTRA)) == ("a=1\nb=2\n", "one two\n")
