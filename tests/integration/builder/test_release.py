"""A release set, judged by the tools and libraries that those who get it will use."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.lock import Lock
from builder.release.files import FORMS, Form, Release
from flasher.image.ranges import merge
from flasher.image.source import open_image
from flasher.process import run
from tests.integration.builder.conftest import Asks, Builds


def names(release: Release) -> set[str]:
    return {path.name for path in release.out.iterdir()}


TESTS = {"zst": ("zstd", "-t"), "xz": ("xz", "-t"), "zip": ("unzip", "-tq")}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_whole_by_its_own_tool_and_read_by_all_who_write_cards(
    build: Builds, tmp_path: Path, form: Form
):
    release = build(form=form)
    run([*TESTS[form], str(release.compressed)])
    target = tmp_path / "copied.img"
    bmap = ("--bmap", str(release.bmap))
    run(["bmaptool", "copy", *bmap, str(release.compressed), str(target)])
    assert target.read_bytes() == release.image.read_bytes()
    opened = open_image(release.compressed)
    opened.prove()
    assert opened.path.read_bytes() == release.image.read_bytes()
    assert merge(opened.ranges) == merge(open_image(release.image).ranges) != ()


def test_xz_can_be_read_from_the_middle_and_unpacked_on_all_cores(build: Builds):
    told = run(["xz", "--list", "--robot", str(build(form="xz").compressed)]).text
    totals = next(line.split("\t") for line in told.splitlines() if line.startswith("totals"))
    assert int(totals[1]) > 1


def test_another_form_takes_the_place_of_the_one_before(build: Builds):
    build(form="zst")
    release = build(form="zip")
    assert "tiny.zip" in names(release)
    assert "tiny.img.zst" not in names(release)
    assert "tiny.img.zst" not in release.sums.read_text()


def test_a_file_that_only_has_the_name_of_another_form_stays(build: Builds, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tiny.zip").write_text("my notes")
    build(form="zst")
    assert (tmp_path / "out/tiny.zip").read_text() == "my notes"


def test_the_checksums_hold_for_the_whole_set(build: Builds):
    release = build()
    done = run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release.out).text
    assert done.count(": OK") == 8
    assert names(release) == {
        "tiny.img",
        "tiny.img.zst",
        "tiny.bmap",
        "tiny.packages.tsv",
        "tiny.spdx.json",
        "tiny.cdx.json",
        "tiny.os_list.json",
        "tiny.manifest.json",
        "tiny.build.log",
        "SHA256SUMS",
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_same_layers_and_lock_give_the_same_set_but_for_the_log(build: Builds, form: Form):
    first, second = (build(folder=name, form=form) for name in ("first", "second"))
    assert names(first) == names(second)
    for name in names(first) - {first.log.name}:
        assert digest(first.out / name) == digest(second.out / name), name


@pytest.mark.parametrize("form", FORMS)
def test_a_set_without_the_raw_image_is_the_same_but_for_that_image(build: Builds, form: Form):
    whole, packed = build(folder="whole", form=form), build(form=form, packed_only=True)
    assert names(whole) - names(packed) == {"tiny.img"}
    for paper in (packed.compressed, packed.bmap, packed.packages, packed.os_list, packed.spdx):
        assert digest(paper) == digest(whole.out / paper.name), paper
    done = run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=packed.out).text
    assert done.count(": OK") == 7
    assert json.loads(packed.manifest.read_bytes())["files"].keys() == {
        path.name for path in packed.described
    }


def test_the_raw_image_comes_and_goes_as_it_is_asked_for(build: Builds, is_there: Asks):
    whole = build()
    packed = replace(whole, packed_only=True)
    assert not is_there(packed)
    assert build(packed_only=True) == packed
    assert "tiny.img" not in names(packed)
    assert is_there(packed)
    assert not is_there(whole)
    build()
    assert is_there(whole)


def test_somebody_elses_image_of_that_name_stays(build: Builds, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tiny.img").write_text("mine")
    build(packed_only=True)
    assert (tmp_path / "out/tiny.img").read_text() == "mine"


def test_the_manifest_tells_what_went_in_and_no_time_of_day(build: Builds, lock: Lock):
    release = build()
    told = json.loads(release.manifest.read_bytes())
    assert told["epoch"] == lock.epoch == 1_700_000_000
    assert [layer["name"] for layer in told["layers"]] == ["below", "above"]
    assert told["tools"]["e2fsprogs"] == "1.47.2-3"
    assert told["tools"].keys() >= {"flasher", "zstd"}
    assert told["inputs"].keys() == {"recipe", "lock", "image"}
    for name, file in told["files"].items():
        assert file["size"] == (release.out / name).stat().st_size


def test_checksums_of_other_images_in_the_folder_stay(build: Builds, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/SHA256SUMS").write_text(f"{'0' * 64}  other.img\n")
    assert "other.img" in build().sums.read_text()


def test_the_log_of_the_build_lies_with_the_image(build: Builds):
    assert "mke2fs" in build().log.read_text()


def test_what_a_killed_build_left_is_removed_by_the_next(build: Builds, tmp_path: Path):
    (tmp_path / "out/.tiny-0badcafe.part").mkdir(parents=True)
    (tmp_path / "out/.tiny-0badcafe.part/tiny.img").write_text("half")
    assert not any(name.startswith(".") for name in names(build()))


def test_the_person_behind_sudo_owns_the_files(build: Builds, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUDO_UID", "4711")
    monkeypatch.setenv("SUDO_GID", "4712")
    release = build(folder="new/out")
    for path in (release.out.parent, release.out, *release.out.iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


@pytest.mark.parametrize("form", FORMS)
def test_the_papers_tell_the_digests_of_these_files(build: Builds, form: Form):
    release = build(form=form)
    raw, packed = digest(release.image), digest(release.compressed)
    (entry,) = json.loads(release.os_list.read_bytes())["os_list"]
    assert entry["url"] == release.compressed.name
    assert (entry["extract_size"], entry["extract_sha256"]) == (size(release.image), raw)
    assert entry["image_download_size"] == size(release.compressed)
    assert entry["image_download_sha256"] == packed
    spdx = json.loads(release.spdx.read_bytes())
    assert spdx["packages"][0]["checksums"][0]["checksumValue"] == raw
    cyclonedx = json.loads(release.cyclonedx.read_bytes())
    assert cyclonedx["metadata"]["component"]["hashes"][0]["content"] == raw


def size(path: Path) -> int:
    return path.stat().st_size


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
