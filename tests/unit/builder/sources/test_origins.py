"""What recipes may start from, and how that is looked up."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.lock import LockedBase, LockedGroup, format_lock, parse_lock
from builder.recipe import Origin, load_recipe, start_from
from builder.sources import raspios
from builder.sources.card_image import boot_folder
from builder.sources.find import find_build
from flasher.errors import BadDocument, BadInput
from tests.unit.builder.sample_lock import LOCK

SHA256 = "ab" * 32
IMAGE = "https://example.org/a.img.xz"


def load(folder: Path, text: str):
    path = folder / "r.toml"
    path.write_text(f'format = 1\nname = "r"\n{text}')
    return load_recipe(path)


@pytest.mark.parametrize(
    ("source", "form", "place"),
    [
        ("image:my pi.img", "image", "my pi.img"),
        ("rootfs:../arch.tar.gz", "rootfs", "../arch.tar.gz"),
        ("oci:a.tar", "oci", "a.tar"),
        ("build:images", "build", "images"),
        ("raspios:lite-arm64", "raspios", "lite-arm64"),
    ],
)
def test_a_recipe_starts_from_what_it_names(tmp_path: Path, source: str, form: str, place: str):
    recipe = load(tmp_path, f'from = "{source}"\n')
    assert recipe.origin == Origin(form, place, folder=str(tmp_path))
    assert (str(recipe.origin), recipe.suite) == (source, "")


def test_a_debian_suite_is_no_other_origin(tmp_path: Path):
    recipe = load(tmp_path, 'from = "debian:bookworm"\n')
    assert (recipe.origin, recipe.suite) == (None, "bookworm")


@pytest.mark.parametrize("source", ["image:", "floppy:a", "image", "raspios:../x", "image: "])
def test_other_origins_are_refused_with_those_there_are(tmp_path: Path, source: str):
    with pytest.raises(BadDocument, match="image:FILE"):
        load(tmp_path, f'from = "{source}"\n')


def test_what_comes_from_an_address_needs_a_checksum(tmp_path: Path):
    with pytest.raises(BadDocument, match="checksum"):
        load(tmp_path, f'from = "image:{IMAGE}"\n')
    recipe = load(tmp_path, f'from = "image:{IMAGE}"\nsha256 = "{SHA256}"\n')
    assert recipe.origin
    assert recipe.origin.sha256 == SHA256


def test_a_recipe_can_start_from_something_else_for_once(tmp_path: Path):
    recipe = load(tmp_path, 'from = "debian:bookworm"\n')
    upon = start_from(recipe, "image:a.img")
    assert (upon.origin, upon.suite) == (Origin("image", "a.img", folder=str(Path.cwd())), "")
    assert start_from(upon, "debian:bookworm") == recipe


@pytest.mark.parametrize(
    ("source", "sha256"), [("floppy:a", ""), (f"image:{IMAGE}", ""), (f"image:{IMAGE}", "abc")]
)
def test_what_it_cannot_start_from_is_told(tmp_path: Path, source: str, sha256: str):
    with pytest.raises(BadInput):
        start_from(load(tmp_path, 'from = "debian:bookworm"\n'), source, sha256)


# --- the lock --------------------------------------------------------------------------------


def test_a_lock_keeps_what_was_started_from():
    base = LockedBase("image:a.img", "a.img", 1 << 30, SHA256, 0xDEADBEEF)
    bare = replace(LOCK.layers[0].packages[0], uri="", sha256="", size=0)
    bottom = LockedGroup("base", 1_700_000_000, ("image:a.img",), (bare,))
    lock = replace(LOCK, base=base, layers=(bottom, *LOCK.layers))
    assert parse_lock(format_lock(lock).encode()) == lock


def test_only_packages_that_were_there_before_may_lack_a_digest():
    bare = replace(LOCK.layers[0].packages[0], uri="", sha256="", size=0)
    lock = replace(LOCK, layers=(replace(LOCK.layers[0], packages=(bare,)),))
    with pytest.raises(ValueError, match="bash has no digest"):
        parse_lock(format_lock(lock).encode())


# --- Raspberry Pi OS -------------------------------------------------------------------------


def entry(name: str, date: str, folder: str = "") -> dict[str, str]:
    return {
        "name": name,
        "url": f"https://example.org/{folder}{name}",
        "release_date": date,
        "image_download_sha256": date.replace("-", "") * 8,
    }


TOLD = {
    "imager": {"latest_version": "2.0"},
    "os_list": [
        {"name": "Erase", "url": "builtin://erase"},
        entry("2025-10-01-raspios-trixie-arm64.img.xz", "2025-10-01"),
        {
            "name": "Raspberry Pi OS (other)",
            "subitems": [
                entry("2025-10-01-raspios-trixie-arm64-lite.img.xz", "2025-10-01"),
                entry("2025-12-04-raspios-trixie-arm64-lite.img.xz", "2025-12-04"),
                entry("2026-01-01-raspios-bookworm-arm64-lite.img.xz", "2026-01-01", "oldstable/"),
                entry("2025-12-04-raspios-trixie-armhf-lite.img.xz", "2025-12-04"),
                entry("2025-12-04-raspios-trixie-arm64-full.img.xz", "2025-12-04"),
                entry("ubuntu-arm64-lite.img.xz", "2026-02-02"),
            ],
        },
    ],
}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("lite-arm64", "2025-12-04-raspios-trixie-arm64-lite.img.xz"),
        ("lite-armhf", "2025-12-04-raspios-trixie-armhf-lite.img.xz"),
        ("full-arm64", "2025-12-04-raspios-trixie-arm64-full.img.xz"),
        ("desktop-arm64", "2025-10-01-raspios-trixie-arm64.img.xz"),
    ],
)
def test_a_name_stands_for_the_newest_image_of_its_edition(tmp_path: Path, name: str, file: str):
    (tmp_path / "os_list.json").write_text(json.dumps(TOLD))
    origin = Origin("raspios", name, os_list="os_list.json", folder=str(tmp_path))
    uri, sha256 = raspios.resolve(origin, name.rpartition("-")[2])
    assert uri == f"https://example.org/{file}"
    assert len(sha256) == 64


@pytest.mark.parametrize(
    ("name", "architecture", "os_list", "code"),
    [
        ("lite-arm64", "armhf", "os_list.json", "architecture-differs"),
        ("full-armhf", "armhf", "os_list.json", "raspios-unknown"),
        ("tiny-arm64", "arm64", "os_list.json", "raspios-unknown"),
        ("lite-arm64", "arm64", "gone.json", "no-os-list"),
        ("lite-arm64", "arm64", "", "no-os-list"),
    ],
)
def test_a_name_that_cannot_be_looked_up_is_told_with_a_remedy(
    tmp_path: Path, name: str, architecture: str, os_list: str, code: str
):
    (tmp_path / "os_list.json").write_text(json.dumps(TOLD))
    origin = Origin("raspios", name, os_list=os_list, folder=str(tmp_path))
    with pytest.raises(BadInput) as caught:
        raspios.resolve(origin, architecture)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


def test_the_list_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "l.json").write_text(json.dumps(TOLD))
    monkeypatch.setenv(raspios.ENVIRONMENT, str(tmp_path / "l.json"))
    assert raspios.resolve(Origin("raspios", "lite-arm64"), "arm64")[0].endswith("-lite.img.xz")


# --- where things are ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fstab", "there", "folder"),
    [
        ("PARTUUID=1-01 /boot/firmware vfat defaults 0 2\n", (), "boot/firmware"),
        ("# a\n/dev/mmcblk0p1  /boot  vfat  ro 0 0\n", ("boot", "boot/firmware"), "boot"),
        ("LABEL=x / ext4 defaults 0 1\n", ("boot", "boot/firmware"), "boot/firmware"),
        ("", ("boot",), "boot"),
    ],
)
def test_the_boot_partition_belongs_where_its_system_mounts_it(
    fstab: str, there: tuple[str, ...], folder: str
):
    assert boot_folder(fstab, frozenset(there)) == folder


def test_an_earlier_build_is_found_by_its_manifest_and_must_be_whole(tmp_path: Path):
    with pytest.raises(BadInput, match="no builds"):
        find_build(tmp_path, "arm64")
    (tmp_path / "a.img").write_bytes(b"image")
    digest = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
    told = {"architecture": "arm64", "files": {"a.img": {"sha256": digest, "size": 5}}}
    (tmp_path / "a.manifest.json").write_text(json.dumps(told))
    assert find_build(tmp_path, "arm64") == tmp_path / "a.img"
    with pytest.raises(BadInput, match="armhf"):
        find_build(tmp_path, "armhf")
    (tmp_path / "a.img").write_bytes(b"other")
    with pytest.raises(BadInput) as caught:
        find_build(tmp_path, "arm64")
    assert caught.value.code == "checksum-mismatch"
    (tmp_path / "a.img").unlink()
    with pytest.raises(BadInput, match="gone"):
        find_build(tmp_path, "arm64")
