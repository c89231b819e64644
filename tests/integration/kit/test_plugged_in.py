"""A kit on a stick brings what this computer lacks, and replaces nothing that it has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flasher import paths
from flasher.errors import BadDocument
from flasher.images import found_image
from flasher.kits import FOLDER, kits
from flasher.rig.profile import list_profiles, load_profile


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stick" / FOLDER
    (folder / "images").mkdir(parents=True)
    monkeypatch.setenv("FLASHER_KIT", str(folder))
    return folder


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_kits_are_found_where_desktops_mount_sticks(tmp_path: Path) -> None:
    (tmp_path / "media/ann/STICK" / FOLDER).mkdir(parents=True)
    (tmp_path / "media/ann/OTHER").mkdir()
    put(tmp_path / "media/ann/FILE" / FOLDER)
    assert kits([f"{tmp_path}/media/*/*"]) == [tmp_path / "media/ann/STICK" / FOLDER]


def test_a_kits_image_is_taken_where_there_is_none(kit: Path) -> None:
    assert found_image() is None
    brought = put(kit / "images/base.img.zst")
    assert found_image() == brought


def test_no_stick_takes_the_place_of_an_image_that_is_there(kit: Path) -> None:
    own = put(paths.data() / "images/base.img")
    put(kit / "images/base.img.zst")
    assert found_image() == own


def test_a_kits_profiles_are_listed_and_none_takes_the_place_of_ours(kit: Path) -> None:
    ours = load_profile("body-16x7").path
    text = ours.read_text()
    for name in ("body-16x7", "brought"):
        put(kit / "profiles" / name / "profile.toml").write_text(text)
    assert "brought" in list_profiles()
    assert load_profile("body-16x7").path == ours


def test_a_kits_profile_does_not_go_by_the_name_of_another(kit: Path) -> None:
    shipped = load_profile("body-16x7").path.parent
    for name in ("zzz", "body-32x7"):
        shutil.copytree(shipped, kit / "profiles" / name)
    text = (shipped / "profile.toml").read_text().replace('"body-16x7"', '"body-32x7"')
    (kit / "profiles/body-32x7/profile.toml").write_text(text)
    assert load_profile("body-32x7").name == "body-32x7"
    for named in ("zzz", str(kit / "profiles/zzz")):
        with pytest.raises(BadDocument, match=r"'body-16x7' in the folder zzz of a kit"):
            load_profile(named)
