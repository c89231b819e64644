"""The offline kit is whole, holds no more than it should, and fits onto a stick as sticks are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.kit.stick import check_names, make_stick, release_set
from flasher.errors import BadInput
from flasher.process import run

PAPERS = ("base.bmap", "base.manifest.json", "SHA256SUMS", "SHA256SUMS.sig")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in (*PAPERS, "base.img.zst", "base.img", "base.build.log", "other.img.xz"):
        (folder / name).write_text(name)
    os.utime(folder / "other.img.xz", (0, 0))
    return folder


@pytest.fixture
def stick(tmp_path: Path, images: Path) -> Path:
    package = tmp_path / "flasher_1_amd64.deb"
    package.write_bytes(b"a package")
    profile = tmp_path / "profiles/small"
    profile.mkdir(parents=True)
    (profile / "profile.toml").write_text('name = "small"\n')
    return make_stick(tmp_path, package, images, [profile])


def test_the_newest_set_goes_along_without_the_raw_image(images: Path) -> None:
    assert {path.name for path in release_set(images)} == {*PAPERS, "base.img.zst"}


def test_without_a_packed_image_there_is_no_kit(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No packed base image"):
        release_set(tmp_path)


def test_a_kit_is_the_same_on_a_stick_with_fat32(stick: Path, tmp_path: Path) -> None:
    image, back = tmp_path / "stick.img", tmp_path / "back"
    with image.open("wb") as handle:
        handle.truncate(64 << 20)
    run(["mkfs.fat", "-F", "32", str(image)])
    run(["mcopy", "-s", "-i", str(image), str(stick), "::/"])
    run(["mcopy", "-s", "-n", "-i", str(image), "::/flasher-kit", str(back)])
    told = run(["sha256sum", "--check", "SHA256SUMS"], cwd=back).text
    assert told.count(": OK\n") == len(told.splitlines()) == len(PAPERS) + 1 + 4


def test_a_kit_made_again_takes_the_place_of_the_old_one(
    stick: Path, images: Path, tmp_path: Path
) -> None:
    (stick / "left-over").touch()
    make_stick(tmp_path, tmp_path / "flasher_1_amd64.deb", images, [])
    assert not (stick / "left-over").exists()
    assert not (stick / "profiles").exists()


@pytest.mark.parametrize("name", ["a:b", "what?", "ends.", "Twice/x"])
def test_what_fat32_cannot_hold_is_told(tmp_path: Path, name: str) -> None:
    for each in (name, "twice/y"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).touch()
    with pytest.raises(BadInput, match="FAT32 cannot hold it"):
        check_names(tmp_path)


def test_a_file_of_4_gib_is_told(tmp_path: Path) -> None:
    with (tmp_path / "base.img.zst").open("wb") as handle:
        handle.truncate(1 << 32)
    with pytest.raises(BadInput, match=r"base\.img\.zst is larger than 4 GiB"):
        check_names(tmp_path)
