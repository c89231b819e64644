"""Two parts of pi-builder in a real image: what they do is there, what is one node's is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Ended, Place, bring_pool

pytestmark = pytest.mark.timeout(600)

PARTS = """
[[layer]]
name = "parts"
pi_builder = "pi-builder"
stages = ["watchdog", "enter", "__cleanup__"]
args = { BOARD = "rpi3" }
"""
FILES = {
    "common/watchdog/Dockerfile.part": (
        "RUN mkdir /etc/systemd/system.conf.d\n"
        "COPY stages/watchdog/conf /etc/systemd/system.conf.d/watchdog.conf\n"
        'RUN sed -i "1s;^;# for $BOARD\\n;" /boot/firmware/config.txt\n'
        "RUN systemctl mask man-db.timer && systemctl disable fake-hwclock.service\n"
    ),
    "common/watchdog/conf": "[Manager]\nRuntimeWatchdogSec=15\n",
    "rpios/enter/Dockerfile.part": (
        "RUN ssh-keygen -A && useradd --create-home ada && echo ada:ada | chpasswd\n"
        "COPY --chown=ada:video --chmod=0640 stages/enter/note /home/ada/\n"
        "RUN mkdir -p /root/.ssh && echo key > /root/.ssh/authorized_keys\n"
    ),
    "rpios/enter/note": "hers\n",
    "rpios/__cleanup__/Dockerfile.part": (
        "RUN apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/* /tmp/* /run/* /etc/*-\n"
        "ENV LD_PRELOAD=\n"
    ),
}


@pytest.fixture(scope="module")
def built(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Ended]:
    folder = tmp_path_factory.mktemp("parts")
    for name, text in FILES.items():
        path = folder / "pi-builder/stages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    recipe = folder / "small.toml"
    recipe.write_text(reference.place.recipe.read_text() + PARTS)
    place = Place(folder / "place", recipe)
    bring_pool(reference.place, place)
    ended = place.build()
    assert ended.status == 0, ended.words
    return place, ended


def test_each_run_is_a_layer_and_so_are_the_copies_between(built: tuple[Place, Ended]):
    layers = [name for name in built[1].layers if "-0" in name]
    assert layers == [
        *("watchdog-01", "watchdog-02", "watchdog-03", "watchdog-04"),
        *("enter-01", "enter-02", "enter-03", "__cleanup__-01"),
    ]


def test_the_image_holds_what_parts_made_and_no_identity(
    built: tuple[Place, Ended], tmp_path: Path
):
    image = built[0].out / "small.img"
    table = json.loads(subprocess.check_output(["sfdisk", "--json", image]))["partitiontable"]
    boot, root = (part["start"] * table["sectorsize"] for part in table["partitions"][:2])
    (tmp_path / "root").symlink_to(image)

    def ask(*words: str) -> str:
        argv = ["debugfs", "-R", " ".join(words), f"{tmp_path / 'root'}?offset={root}"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    argv = ["mtype", "-i", f"{image}@@{boot}", "::config.txt"]
    assert subprocess.check_output(argv, text=True) == "# for rpi3\nkernel=none\n"
    assert "WatchdogSec=15" in ask("cat", "/etc/systemd/system.conf.d/watchdog.conf")
    assert '"/dev/null"' in ask("stat", "/etc/systemd/system/man-db.timer")
    note = ask("stat", "/home/ada/note")
    assert "Mode:  0640" in note
    assert "User:  1000   Group:    44" in note
    assert "ada:!:" in ask("cat", "/etc/shadow")
    assert "ssh_host" not in ask("ls", "/etc/ssh")
    assert "authorized_keys" not in ask("ls", "/root/.ssh")


def test_the_same_parts_are_not_built_again(built: tuple[Place, Ended]):
    place, first = built
    again = place.build()
    assert again.layers == first.layers
    assert again.reused == set(first.layers)
