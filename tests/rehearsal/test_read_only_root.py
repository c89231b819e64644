"""A node with the layer `read-only-root`: set up, sealed, its plug pulled twenty times, changed.

The judges are not ours: sfdisk, e2fsck, fsck.fat, debugfs and mtools, and the bytes of the card.
`FLASHER_CUTS` is how often the plug is pulled, `FLASHER_SEED` names other moments.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flasher import paths
from tests.rehearsal.conftest import call
from tests.rehearsal.machine import Machine, powered

Run = Callable[..., list[dict[str, object]]]

HERE = Path(__file__).with_name("read_only_root")
CUTS = int(os.environ.get("FLASHER_CUTS", "20"))
SEED = os.environ.get("FLASHER_SEED", "1")
SITE = """\
format = 1
name = "trial"
[user]
name = "scanner"
authorized_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEe2yVYZ8hxIyGkbbSPPMzLNEYKUvJqJdmTDoSbDoKvF bench"]
"""  # noqa: E501

pytestmark = pytest.mark.timeout(3 * 3600)


def tool(*argv: str | Path, statuses: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False)
    assert done.returncode in statuses, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Node:
    """A card with a computer around it."""

    card: Path
    kernel: Path
    initramfs: Path
    prepare: Callable[[Path], None]

    def part(self, slot: int) -> tuple[int, int]:
        """Offset and size of a partition, in bytes."""
        table = json.loads(tool("sfdisk", "--json", self.card))["partitiontable"]
        found = table["partitions"][slot - 1]
        return int(found["start"]) * 512, int(found["size"]) * 512

    def digest(self, offset: int, size: int) -> str:
        with self.card.open("rb") as card:
            card.seek(offset)
            return hashlib.sha256(card.read(size)).hexdigest()

    @property
    def root(self) -> str:
        """SHA-256 of the root partition."""
        return self.digest(*self.part(2))

    @property
    def all_but_data(self) -> str:
        """SHA-256 of everything but the partition for data."""
        return self.digest(0, self.part(3)[0])

    def order(self, words: str) -> None:
        """What the witness does at the next boot; "" for nothing."""
        boot = f"{self.card}@@{self.part(1)[0]}"
        if words:
            (self.card.parent / "order").write_text(words)
            tool("mcopy", "-o", "-i", boot, self.card.parent / "order", "::order")
        else:
            tool("mdel", "-i", boot, "::order")

    @contextmanager
    def on(self) -> Iterator[Machine]:
        with powered(self.card, self.kernel, self.initramfs) as machine:
            yield machine

    def boot(self, mode: str) -> list[str]:
        """Start it, wait for it to be in this mode and at work; its state, and what is in /etc."""
        with self.on() as machine:
            words = machine.wait_for(f"witness: {mode} ").split()[2:]
            machine.wait_for("witness: round 1")
            return words

    def data(self) -> str:
        """The partition for data as a boot would find it: its journal replayed, that is all."""
        offset, size = self.part(3)
        copy = self.card.with_suffix(".data")
        with self.card.open("rb") as card, copy.open("wb") as to:
            card.seek(offset)
            to.write(card.read(size))
        said = tool("e2fsck", "-p", copy, statuses=(0, 1))
        assert "UNEXPECTED" not in said
        tool("e2fsck", "-fn", copy)
        return str(copy)

    def copy(self, folder: Path) -> Node:
        card = folder / "copy.img"
        shutil.copyfile(self.card, card)
        return Node(card, self.kernel, self.initramfs, self.prepare)


@pytest.fixture(scope="module")
def node(flasher: Run, tmp_path_factory: pytest.TempPathFactory) -> Node:
    folder = tmp_path_factory.mktemp("read-only")
    (folder / "site.toml").write_text(SITE)
    (folder / "secrets.toml").write_text("format = 1\n")
    out = paths.cache() / "images-read-only"
    env = {"FLASHER_CACHE": str(paths.cache())}
    (built,) = call("build-base", HERE / "recipe.toml", "--out", out, env=env)

    def prepare(card: Path) -> None:
        what = ("--scanner", "body-16x7", "--site", folder, "--node", "seg1-cam1")
        flasher("prepare", *what, "--to", card, "--size", "1G", "--image", str(built["image"]))

    node = Node(folder / "card.img", folder / "kernel", folder / "initramfs", prepare)
    prepare(node.card)
    root = f"{node.card}?offset={node.part(2)[0]}"
    for entry in tool("debugfs", "-R", "ls -p /boot", root).splitlines():
        name = entry.split("/")[5] if entry.count("/") > 5 else ""
        for prefix, path in (("vmlinuz-", node.kernel), ("initrd.img-", node.initramfs)):
            if name.startswith(prefix):
                tool("debugfs", "-R", f"dump /boot/{name} {path}", root)
    return node


@dataclass(frozen=True, slots=True)
class Life:
    """What became of a node: its root as it was written, and what it said at each boot.

    Attributes:
        cuts: after each pulled plug: the root, all but the data, and what the witness counted to.
    """

    written: str
    first: list[str]
    sealed: list[str]
    rest: str
    cuts: tuple[tuple[str, str, int], ...]
    last: list[str]


@pytest.fixture(scope="module")
def life(node: Node) -> Life:
    written = node.root
    node.order("keep first")
    first = node.boot("open")
    node.order("")
    begun = time.monotonic()
    sealed = node.boot("sealed")
    boot_seconds = time.monotonic() - begun
    rest = node.all_but_data
    moments = random.Random(SEED)  # noqa: S311
    cuts = tuple(_cut(node, number, moments, boot_seconds) for number in range(CUTS))
    return Life(written, first, sealed, rest, cuts, node.boot("sealed"))


def _cut(
    node: Node, number: int, moments: random.Random, boot_seconds: float
) -> tuple[str, str, int]:
    """Pull the plug: in turn while it starts, and while it writes."""
    with node.on() as machine:
        if number % 2:
            machine.wait_for("witness: sealed done")
            machine.wait_for(f"witness: round {moments.randint(1, 9)}")
            time.sleep(moments.random())
        else:
            time.sleep(moments.uniform(0, boot_seconds))
    counted = tool("debugfs", "-R", "cat /count", node.data())
    return node.root, node.all_but_data, int(counted)


def test_a_new_node_is_open_until_it_is_set_up_and_sealed_from_then_on(life: Life) -> None:
    assert life.first[0] == "done"
    assert life.first[2] == "overlay"
    assert life.sealed == [*life.first[:3], "kept-first"]


def test_the_data_take_the_rest_of_the_card(life: Life, node: Node) -> None:
    assert life.first[0] == "done"
    assert node.card.stat().st_size - sum(node.part(3)) < 2 << 20


def test_the_root_is_never_written(life: Life) -> None:
    assert {root for root, _, _ in life.cuts} == {life.written}


def test_a_sealed_node_writes_nothing_but_its_data(life: Life) -> None:
    assert {rest for _, rest, _ in life.cuts} == {life.rest}


def test_a_node_survives_every_pulled_plug(life: Life) -> None:
    assert len(life.cuts) == CUTS
    assert all(count > 0 for _, _, count in life.cuts)
    assert life.last == life.sealed


@pytest.mark.usefixtures("life")
def test_both_other_file_systems_are_whole(node: Node) -> None:
    boot, root = (node.card.with_suffix(f".{slot}") for slot in (1, 2))
    for slot, path in ((1, boot), (2, root)):
        offset, size = node.part(slot)
        with node.card.open("rb") as card:
            card.seek(offset)
            path.write_bytes(card.read(size))
    tool("fsck.fat", "-n", boot)
    tool("e2fsck", "-fn", root)


def test_a_new_payload_is_applied_by_a_sealed_node(life: Life, node: Node, tmp_path: Path) -> None:
    again = node.copy(tmp_path)
    replaced, newer = tmp_path / "newer.img", tmp_path / "autosetup"
    node.prepare(replaced)
    boot = f"@@{node.part(1)[0]}"
    tool("mcopy", "-s", "-i", f"{replaced}{boot}", "::autosetup", tmp_path)
    tool("mdeltree", "-i", f"{again.card}{boot}", "::autosetup")
    tool("mcopy", "-s", "-i", f"{again.card}{boot}", newer, "::")
    generation = str(json.loads((newer / "manifest.json").read_bytes())["generation"])
    assert generation > life.last[1]
    assert again.boot("open") == ["done", generation, "overlay", "kept-first"]
    assert again.boot("sealed") == ["done", generation, "overlay", "kept-first"]
    assert again.root == life.written


def test_a_person_opens_and_seals_it(life: Life, node: Node, tmp_path: Path) -> None:
    mine = node.copy(tmp_path)
    mine.order("keep lost")
    mine.boot("sealed")
    mine.order("rw")
    assert mine.boot("open") == life.last
    mine.order("keep mine")
    assert mine.boot("open") == life.last
    mine.order("ro")
    assert mine.boot("sealed") == [*life.last, "kept-mine"]
    assert mine.root == life.written


def test_damaged_data_are_mended_when_they_were_noticed(
    life: Life, node: Node, tmp_path: Path
) -> None:
    damaged = node.copy(tmp_path)
    volume = f"{damaged.card}?offset={damaged.part(3)[0]}"
    tool("debugfs", "-w", "-R", "zap_block -f /autosetup 0", volume)
    with damaged.on() as machine:  # the kernel finds it, and notes it in the file system
        machine.wait_for("EXT4-fs error")
        machine.wait_for("witness: round 1")
    with damaged.on() as machine:
        machine.wait_for("read-only-root: /dev/vda3 is damaged, and is mended now")
        machine.wait_for("witness: ")
    damaged.data()
    assert damaged.root == life.written


def test_a_node_without_its_data_starts_all_the_same(
    life: Life, node: Node, tmp_path: Path
) -> None:
    lost = node.copy(tmp_path)
    offset, size = lost.part(3)
    with lost.card.open("r+b") as card:
        card.seek(offset)
        card.write(bytes(size))
    with lost.on() as machine:
        machine.wait_for("read-only-root: /dev/vda3 is damaged and cannot be mended")
        machine.wait_for("witness: alone")
    assert lost.root == life.written
