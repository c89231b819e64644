"""Systems from archives that are not Debian's, whose packages stand in for theirs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.lock import read_lock
from flasher.image.mbr import Mbr
from flasher.process import run
from tests.builds.conftest import Reference
from tests.builds.places import FLASHER, Ended, Place
from tests.integration.builder.archives import (
    Signer,
    make_archive,
    make_deb,
    serving,
    signing,
)

pytestmark = pytest.mark.timeout(900)

HEAD = """format = 1
name = "tiny"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 16

[[layer]]
name = "boot"

[[layer.file]]
path = "/boot/firmware/config.txt"
lines = ["kernel=none"]
"""
FOCAL = """from = "apt:focal"
[archive]
mirror = "http://ubuntu.invalid"
components = ["main", "universe"]
keyring = "archive.gpg"
proxy = "{proxy}"

[[apt]]
name = "vendor"
uri = "http://vendor.invalid"
suites = ["stable"]
key = "vendor.asc"

[[layer]]
name = "camera"
packages = ["camera"]
"""
BUSTER = """from = "apt:buster"
[archive]
mirror = "http://past.invalid"
keyring = "archive.gpg"
expired = true
proxy = "{proxy}"

[[layer]]
uses = "agent"
"""
PAST = {"Date": "Thu, 01 Jan 2015 00:00:00 UTC", "Valid_Until": "Fri, 02 Jan 2015 00:00:00 UTC"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder, folder / "tiny.toml")


@pytest.fixture
def signer(place: Place) -> Iterator[Signer]:
    with signing(place.folder / "archive.gpg") as made:
        yield made


def debs_of(reference: Reference, group: str, folder: Path) -> list[Path]:
    """The packages of a layer of the first build, under their own names."""
    lock = read_lock(reference.place.out / "small.lock")
    (found,) = (each for each in lock.layers if each.name == group)
    folder.mkdir(exist_ok=True)
    pool = reference.place.store / "pool"
    for package in found.packages:
        (folder / package.filename).hardlink_to(pool / f"{package.sha256}.deb")
    return [folder / package.filename for package in found.packages]


def build(place: Place, text: str) -> Ended:
    top, _, tables = text.partition("\n")
    place.recipe.write_text(f"{top}\n{HEAD}\n{tables}")
    return place.build()


def read(place: Place, path: str) -> str:
    """A file of the image, as e2fsprogs finds it."""
    image = place.out / "tiny.img"
    with image.open("rb") as handle:
        offset = Mbr.from_bytes(handle.read(512)).partitions[1].offset
    return run(["debugfs", "-R", f"cat {path}", f"{image}?offset={offset}"]).text


def paths_with(place: Place, words: bytes) -> list[Path]:
    """Files of all layers, and of the set but for its log, that hold some words."""
    trees = [path for path in place.store.glob("*/tree") if not path.is_symlink()]
    files = (path for tree in (*trees, place.out) for path in tree.rglob("*"))
    plain = (f for f in files if f.is_file() and not f.is_symlink() and f.suffix != ".log")
    return [path for path in plain if words in path.read_bytes()]


def test_an_archive_in_ubuntus_form_and_a_further_source_make_an_image(
    reference: Reference, place: Place, signer: Signer, tmp_path: Path
):
    parts = {
        "main": debs_of(reference, "debian", tmp_path / "main"),
        "universe": debs_of(reference, "tools", tmp_path / "universe"),
    }
    make_archive(tmp_path / "ubuntu", "focal", parts, signer)
    camera = make_deb(tmp_path, "camera", Depends="mtr-tiny")
    with signing(place.folder / "vendor.asc") as other:
        make_archive(tmp_path / "vendor", "stable", {"main": [camera]}, other)
    hosts = {"ubuntu.invalid": tmp_path / "ubuntu", "vendor.invalid": tmp_path / "vendor"}
    with serving(hosts) as (proxy, asked):
        ended = build(place, FOCAL.format(proxy=proxy))
    assert ended.status == 0, ended.words
    assert read(place, "/etc/apt/sources.list") == (
        "deb [signed-by=/etc/apt/keyrings/archive.gpg] http://ubuntu.invalid focal main universe\n"
    )
    assert "http://vendor.invalid" in read(place, "/etc/apt/sources.list.d/vendor.sources")
    assert "BEGIN PGP" in read(place, "/etc/apt/keyrings/vendor.asc")
    assert read(place, "/usr/share/camera/version") == "1\n"
    assert any(path.startswith("http://vendor.invalid/pool/") for path in asked)
    assert paths_with(place, proxy.encode()) == []


def test_a_system_of_the_past_goes_without_the_agent_and_no_card_of_it_is_prepared(
    reference: Reference, place: Place, signer: Signer, tmp_path: Path
):
    debs = debs_of(reference, "debian", tmp_path / "debs")
    kept = [deb for deb in debs if "python3" not in deb.name]
    old = make_deb(tmp_path, "python3", "3.7.3-1", Priority="required")
    make_archive(tmp_path / "past", "buster", {"main": [*kept, old]}, signer, **PAST)
    with serving({"past.invalid": tmp_path / "past"}) as (proxy, _):
        ended = build(place, BUSTER.format(proxy=proxy))
    assert ended.status == 0, ended.words
    told = [str(event["text"]) for event in ended.told if event.get("warning")]
    assert any("buster has 3.7" in line for line in told)
    assert '"agent": "none"' in (place.out / "tiny.manifest.json").read_text()
    assert "check-valid-until=no" in read(place, "/etc/apt/sources.list")
    words = "prepare --scanner body-16x7 --site demo --node cam-0101 --size 1G --yes --json"
    card = tmp_path / "card.img"
    argv = [FLASHER, *words.split(), "--image", str(place.out / "tiny.img"), "--to", str(card)]
    data = {"FLASHER_DATA": str(tmp_path / "data"), "FLASHER_CACHE": str(tmp_path / "cache")}
    settings = [f"{name}={value}" for name, value in data.items()]
    refused = subprocess.run(["env", *settings, *argv], capture_output=True, text=True)
    assert refused.returncode == 2
    assert '"no-agent"' in refused.stdout
    assert "buster has 3.7" in refused.stdout
