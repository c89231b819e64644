"""Users, boot settings, units and scripts in a real image; built twice, by root and by a user.

The second build is an ordinary user's, from the lock of the first, without a network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Ended, Place, bring_pool
from tests.integration.builder.ordinary_user import USER, as_user

pytestmark = pytest.mark.timeout(900)

RECIPE = """
format = 1
name = "plain"
title = "All that a plain layer can do"
from = "debian:trixie"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 16

[[layer]]
name = "below"
packages = ["libcap2-bin"]
scripts = ["owners.sh"]
disable = ["apt-daily.timer"]
mask = ["apt-daily-upgrade.service"]

[[layer.user]]
name = "scan"
groups = ["video"]

[[layer.file]]
path = "/boot/firmware/config.txt"
lines = ["kernel=none"]

[layer.boot]
config = ["gpu_mem=128"]
cmdline = ["quiet"]

[[layer]]
name = "fetching"
scripts = ["fetch.sh"]
network = true

[[layer]]
name = "above"
packages = ["openssh-client"]
"""

OWNERS = """#!/bin/bash -e
install -o scan -g video -m 2750 -d /srv/scans
mkdir /srv/memory && mount -t tmpfs none /srv/memory && touch /srv/memory/gone
su scan -c 'touch ~/mine'
cp /usr/bin/true /srv/scans/tool && setcap cap_net_raw=ep /srv/scans/tool
sleep 9876 &
"""

FETCH = """#!/bin/bash -e
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ed
apt-get clean
"""

Debugfs = Callable[..., str]


@pytest.fixture(scope="module")
def built(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Ended]:
    folder = tmp_path_factory.mktemp("plain")
    for name, text in (("plain.toml", RECIPE), ("owners.sh", OWNERS), ("fetch.sh", FETCH)):
        (folder / name).write_text(text)
    place = Place(folder / "place", folder / "plain.toml")
    bring_pool(reference.place, place)
    ended = place.build()
    assert ended.status == 0, ended.words
    return place, ended


@pytest.fixture
def ask(built: tuple[Place, Ended], tmp_path: Path) -> Debugfs:
    """e2fsprogs' own reader of the image's root partition."""
    image = built[0].out / "plain.img"
    table = json.loads(subprocess.check_output(["sfdisk", "--json", image]))["partitiontable"]
    root = tmp_path / "root"
    root.symlink_to(image)
    offset = table["partitions"][1]["start"] * table["sectorsize"]

    def debugfs(*words: str) -> str:
        argv = ["debugfs", "-R", " ".join(words), f"{root}?offset={offset}"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    return debugfs


def test_users_have_homes_groups_and_no_password(ask: Debugfs):
    assert "scan:x:1000:1000::/home/scan:/bin/bash" in ask("cat", "/etc/passwd").splitlines()
    assert "scan:!:" in ask("cat", "/etc/shadow")
    assert "video:x:44:scan" in ask("cat", "/etc/group").splitlines()


def test_owners_modes_and_capabilities_are_the_scripts(ask: Debugfs):
    folder = ask("stat", "/srv/scans")
    assert "Mode:  02750" in folder
    assert "User:  1000   Group:    44" in folder
    assert "security.capability" in ask("stat", "/srv/scans/tool")
    assert "User:  1000   Group:  1000" in ask("stat", "/home/scan/mine")


def test_what_the_script_mounted_is_not_in_the_image(ask: Debugfs):
    assert "gone" not in ask("ls", "-p", "/srv/memory")


def test_units_are_off_and_masked(ask: Debugfs):
    assert "apt-daily.timer" not in ask("ls", "/etc/systemd/system/timers.target.wants")
    assert '"/dev/null"' in ask("stat", "/etc/systemd/system/apt-daily-upgrade.service")


def test_boot_settings_are_on_the_boot_partition(built: tuple[Place, Ended]):
    image = built[0].out / "plain.img"
    table = json.loads(subprocess.check_output(["sfdisk", "--json", image]))["partitiontable"]
    offset = table["partitions"][0]["start"] * table["sectorsize"]
    told = subprocess.check_output(["mtype", "-i", f"{image}@@{offset}", "::config.txt"], text=True)
    assert told.splitlines() == ["kernel=none", "gpu_mem=128"]


def test_what_apt_fetched_in_a_script_is_locked_and_in_the_papers(built: tuple[Place, Ended]):
    place, ended = built
    (record,) = json.loads((place.out / "plain.lock").read_text())["scripts"]
    assert record["name"] == "fetching-fetch"
    (package,) = record["packages"]
    assert package["name"] == "ed"
    assert package["uri"].startswith("http")
    assert (place.store / f"pool/{package['sha256']}.deb").stat().st_size == package["size"]
    table = (place.out / "plain.packages.tsv").read_text()
    assert f"ed\t{package['version']}\tamd64\tfetching-fetch" in table.splitlines()
    warned = [event["text"] for event in ended.told if event.get("warning")]
    assert any("whatever else it fetches can be another the next time" in text for text in warned)


def test_the_same_again_by_a_user_without_a_network(built: tuple[Place, Ended], tmp_path: Path):
    first = built[0]
    place = Place(tmp_path / "user/home/place", first.recipe)
    bring_pool(first, place)
    lock = tmp_path / "user/plain.lock"
    shutil.copy(first.out / "plain.lock", lock)
    open_to(tmp_path / "user", first.recipe.parent)
    ended = place.build(
        "--lock",
        str(lock),
        wrap=lambda argv: ["unshare", "--net", *as_user(tmp_path / "user", *argv)],
    )
    assert ended.status == 0, ended.words
    assert not ended.reused
    made, before = place.made(), first.made()
    assert made["plain.img"] == before["plain.img"]
    assert ended.layers == built[1].layers


def open_to(user: Path, recipe: Path) -> None:
    for folder, _, files in os.walk(user / "home"):
        os.chown(folder, USER, USER)
        for name in files:
            path = Path(folder, name)
            path.with_suffix(".own").write_bytes(path.read_bytes())
            path.with_suffix(".own").rename(path)
            os.chown(path, USER, USER)
    for each in (recipe, *recipe.parents):
        if each.stat().st_uid == os.geteuid() and each.name.startswith(("plain", "pytest")):
            each.chmod(0o755)


def test_a_lock_without_the_record_of_a_script_is_refused(
    built: tuple[Place, Ended], tmp_path: Path
):
    first = built[0]
    lock = tmp_path / "bare.lock"
    told = json.loads((first.out / "plain.lock").read_text())
    lock.write_text(json.dumps({**told, "scripts": []}))
    ended = first.build("--lock", str(lock))
    assert ended.code == "lock-misfit"
    assert "fetching-fetch" in ended.words
