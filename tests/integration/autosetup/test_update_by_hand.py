"""What people bring to a node: a stick that they plug in, an agent that the builder made."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autosetup.update.stick import FOLDER
from tests.integration.autosetup.conftest import PROJECT, Node
from tests.integration.autosetup.launching import NEWER, agents_on
from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.updating import AGENT, NEXT, Rig, make_rig, motd, run

PLACE = "/media/stick"


@pytest.fixture
def rig(ground: Path, tmp_path: Path) -> Iterator[Rig]:
    with serving(tmp_path) as server:
        yield make_rig(ground / tmp_path.name, tmp_path, server)


@pytest.fixture
def node(rig: Rig) -> Iterator[Node]:
    with rig.node() as node:
        yield node


def listed(path: str, kind: str | None, *mounted: str, hotplug: bool = True) -> dict[str, object]:
    """A block device as lsblk(8) of util-linux 2.41 writes it."""
    places = [*mounted] or [None]
    return {"path": path, "fstype": kind, "hotplug": hotplug, "mountpoints": places}


def plug_in(node: Node, *devices: dict[str, object]) -> None:
    """Have the node's lsblk list these: nothing can be plugged in here, nor has this kernel FAT."""
    program = node.upper / "usr/local/bin/lsblk"
    program.parent.mkdir(parents=True, exist_ok=True)
    words = json.dumps({"blockdevices": devices}, indent=3)
    wanted = "--json --list --output PATH,FSTYPE,HOTPLUG,MOUNTPOINTS"
    program.write_text(f"#!/bin/sh\n[ \"$*\" = '{wanted}' ] || exit 1\ncat <<'E'\n{words}\nE\n")
    program.chmod(0o755)


CARD = (
    listed("/dev/mmcblk0", None),
    listed("/dev/mmcblk0p1", "vfat", "/boot/firmware"),
    listed("/dev/mmcblk0p2", "ext4", "/"),
)
STICK = (listed("/dev/sda", None), listed("/dev/sda1", "vfat", PLACE))


def bring_by_stick(rig: Rig, node: Node) -> None:
    """Have what is released on a stick, and on no server."""
    rig.release()
    target = node.upper / PLACE.lstrip("/") / FOLDER
    target.parent.mkdir(parents=True)
    shutil.move(rig.repository.folder, target)


def test_a_stick_with_a_release_is_found_among_the_nodes_drives(rig: Rig, node: Node) -> None:
    bring_by_stick(rig, node)
    plug_in(node, *CARD, *STICK)
    ended = run(node)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (node.status.state, node.status.generation, motd(node)) == ("done", NEXT, "next\n")


@pytest.mark.parametrize(
    "other",
    [
        listed("/dev/sda1", "vfat", PLACE, hotplug=False),
        listed("/dev/sda1", "ntfs", PLACE),
        listed("/dev/sda1", None, PLACE),
    ],
)
def test_what_is_built_in_or_of_an_unknown_kind_is_no_stick(
    rig: Rig, node: Node, other: dict[str, object]
) -> None:
    bring_by_stick(rig, node)
    plug_in(node, *CARD, other)
    assert run(node).returncode != 0
    assert motd(node) == "first\n"


def built_agent(folder: Path) -> Path:
    """The package that the builder makes of this program as a newer version."""
    for name in ("autosetup", "builder", "flasher", "assets"):
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, folder / "newer" / name, ignore=without)
    version = folder / "newer/autosetup/__init__.py"
    changed = re.sub('__version__ = ".*"', f'__version__ = "{NEWER}"', version.read_text())
    version.write_text(changed)
    argv = [sys.executable, "-m", "flasher", "build-agent", "--out", str(folder / "packages")]
    subprocess.run(argv, cwd=folder / "newer", check=True, capture_output=True)
    return folder / "packages" / Path(AGENT).name


def test_the_agent_that_the_builder_packs_is_taken_and_proven(
    rig: Rig, node: Node, tmp_path: Path
) -> None:
    rig.repository.targets["targets"][AGENT] = built_agent(tmp_path).read_bytes()
    rig.release(agent=AGENT)
    ended = run(node)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not agents_on(node).is_on_trial(NEWER)
    assert run(node, "--version").stdout == f"autosetup {NEWER}\n"
    assert (node.status.generation, motd(node)) == (NEXT, "next\n")
