"""Sources looked for: files, addresses that fail half way, systems by name."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.lock import LockedBase
from builder.recipe import Origin
from builder.sources.find import Finder
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, ignore
from flasher.process import run
from tests.integration.builder.mirror import Mirror

MIB = 1 << 20
DISK = 0x1234ABCD
WRITTEN = 1_650_000_000


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small image of a card."""
    image = tmp_path_factory.mktemp("source") / "pi.img"
    with image.open("wb") as handle:
        handle.truncate(48 * MIB)
    table = (
        f"label: dos\nlabel-id: {DISK:#x}\nstart=8192, size=65536, type=c\nstart=73728, type=83\n"
    )
    run(["sfdisk", "--quiet", str(image)], stdin=table.encode())
    run(["mkfs.fat", "-F", "16", "--offset", "8192", str(image), "32768"])
    argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={36 * MIB}", str(image), "12M"]
    run(argv, env={"E2FSPROGS_FAKE_TIME": str(WRITTEN)})
    return image


@pytest.fixture
def finder(tmp_path: Path) -> Finder:
    return Finder(tmp_path / "sources", "arm64", ignore, CancelFlag())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def packed(image: Path, tmp_path: Path) -> Path:
    path = tmp_path / "pi.img.gz"
    path.write_bytes(gzip.compress(image.read_bytes(), 0))
    return path


def test_an_image_is_known_by_what_is_in_it_however_it_is_packed(
    image: Path, packed: Path, finder: Finder
):
    raw = finder.find(Origin("image", str(image)), None)
    same = finder.find(Origin("image", packed.name, folder=str(packed.parent)), None)
    assert raw.digest == same.digest == sha256(image)
    assert (raw.epoch, raw.locked.disk_id) == (WRITTEN, DISK)
    assert same.locked == LockedBase(
        "image:pi.img.gz", "pi.img.gz", packed.stat().st_size, sha256(packed), DISK
    )


def test_a_checksum_of_the_file_or_of_its_contents_must_be_right(
    image: Path, packed: Path, finder: Finder
):
    for digest in (sha256(image), sha256(packed)):
        assert finder.find(Origin("image", str(packed), digest), None)
    with pytest.raises(BadInput) as caught:
        finder.find(Origin("image", str(packed), "0" * 64), None)
    assert caught.value.code == "checksum-mismatch"


def test_what_is_not_there_is_told(finder: Finder):
    with pytest.raises(BadInput, match="gone"):
        finder.find(Origin("image", "/gone.img"), None)


# --- from an address -------------------------------------------------------------------------


def test_a_download_goes_on_where_it_ended_and_is_made_once(
    packed: Path, finder: Finder, mirror: Mirror
):
    data = packed.read_bytes()
    mirror.files["/pi.img.gz"] = data
    mirror.breaks_after = len(data) // 4
    origin = Origin("image", f"{mirror.address}/pi.img.gz", sha256(packed))
    with pytest.raises(FlasherError) as caught:
        finder.find(origin, None)  # three attempts: three quarters
    assert caught.value.code == "network-down"
    mirror.breaks_after = 0
    found = finder.find(origin, None)
    begun = int(mirror.asked[-1].removeprefix("bytes=").removesuffix("-"))
    assert begun > len(data) // 2
    mirror.files.clear()
    assert finder.find(origin, None) == found


def test_another_file_than_was_announced_is_not_kept(packed: Path, finder: Finder, mirror: Mirror):
    mirror.files["/pi.img.gz"] = packed.read_bytes()
    origin = Origin("image", f"{mirror.address}/pi.img.gz", "0" * 64)
    with pytest.raises(BadInput) as caught:
        finder.find(origin, None)
    assert caught.value.code == "checksum-mismatch"
    assert not list(finder.folder.iterdir())


def test_a_file_that_is_no_longer_there_is_told(finder: Finder, mirror: Mirror):
    with pytest.raises(FlasherError, match="404"):
        finder.find(Origin("image", f"{mirror.address}/gone.img", "0" * 64), None)


# --- by name ---------------------------------------------------------------------------------


def test_a_system_by_name_stays_what_it_was_until_the_lock_is_made_anew(
    packed: Path, finder: Finder, mirror: Mirror
):
    def publish(date: str) -> str:
        name = f"/{date}-raspios-trixie-arm64-lite.img.gz"
        mirror.files[name] = packed.read_bytes()
        entry = {
            "url": mirror.address + name,
            "release_date": date,
            "image_download_sha256": sha256(packed),
        }
        (packed.parent / "list.json").write_text(json.dumps({"os_list": [entry]}))
        return entry["url"]

    first = publish("2025-12-04")
    origin = Origin("raspios", "lite-arm64", os_list="list.json", folder=str(packed.parent))
    locked = finder.find(origin, None).locked
    assert (locked.uri, locked.origin) == (first, "raspios:lite-arm64")
    second = publish("2026-02-01")
    assert finder.find(origin, locked).locked == locked
    assert finder.find(origin, None).locked == replace(locked, uri=second)
