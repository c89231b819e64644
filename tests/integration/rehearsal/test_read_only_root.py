"""What the initramfs makes of a card with the layer `read-only-root`: the real script on a card.

It runs in a mount namespace of its own, upon a loop device with partitions; QEMU does the rest in
tests/rehearsal.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from flasher import paths
from tests.integration.conftest import loop_over

MIB = 1 << 20
DATA, SIZE = 48 * MIB, 32 * MIB
SCRIPT = paths.assets() / "layers" / "read-only-root" / "bottom"

# What initramfs-tools does around the script, then what a test has to do on the node.
AROUND = r"""
set -e
mount -t tmpfs tmpfs /run
mkdir /run/new
mount -o ro "$ROOT" /run/new
: >/run/kmsg
mount --bind /run/kmsg /dev/kmsg
rootmnt=/run/new sh "$SCRIPT"
cd /run/new
eval "$THEN"
echo "sealed: $(ls /run/autosetup)"
echo "is: $(findmnt -rno FSTYPE /run/new) $(findmnt -rno FSTYPE /run/new/data)"
cat /run/kmsg
"""


def tool(*argv: str | Path) -> str:
    done = subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Card:
    """A card in a loop device."""

    file: Path
    device: Path

    def start(self, then: str = "") -> str:
        """Start once, do something on the node, pull the plug; what was said meanwhile."""
        env = {
            **os.environ,
            "ROOT": f"{self.device}p2",
            "SCRIPT": str(SCRIPT),
            "THEN": then,
        }
        argv = ["unshare", "--mount", "sh", "-c", AROUND]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def root(self) -> str:
        tool("sync")
        with self.file.open("rb") as card:
            return hashlib.sha256(card.read(DATA)).hexdigest()

    def spoil(self, offset: int, size: int) -> None:
        with Path(f"{self.device}p3").open("r+b") as data:
            data.seek(offset)
            data.write(bytes(size))
            os.fsync(data.fileno())


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    file, root, data = (tmp_path / name for name in ("card.img", "root", "data"))
    with file.open("wb") as handle:
        handle.truncate(DATA + SIZE)
    table = f"label: dos\n1MiB,4MiB,c\n8MiB,40MiB\n{DATA // MIB}MiB,{SIZE // MIB}MiB\n"
    subprocess.run(["sfdisk", "-q", file], input=table, text=True, check=True)
    (root / "etc").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "etc/motd").write_text("as built\n")
    (data / "autosetup").mkdir(parents=True)
    (data / "autosetup/open").touch()
    for tree, offset, size in ((root, 8 * MIB, 40), (data, DATA, SIZE // MIB)):
        where = ("-E", f"offset={offset}")
        tool("mke2fs", "-q", "-F", "-t", "ext4", *where, "-d", tree, file, f"{size}m")
    with ExitStack() as stack:
        device = stack.enter_context(loop_over(file, "--partscan"))
        with suppress(subprocess.CalledProcessError):  # where the kernel has seen them already
            tool("partx", "--add", device)
        for number in (2, 3):
            place = Path(f"/sys/block/{device.name}/{device.name}p{number}/dev")
            node = Path(f"{device}p{number}")
            if not node.exists():
                os.mknod(node, 0o060600, os.makedev(*map(int, place.read_text().split(":"))))
                stack.callback(node.unlink)
        yield Card(file, device)


def test_an_open_node_keeps_what_is_changed_and_a_sealed_one_does_not(card: Card) -> None:
    written = card.root()
    said = card.start("echo mine >etc/motd; touch etc/added; rm -r data/autosetup/open")
    assert "sealed: \nis: overlay ext4\n" in said
    said = card.start("cat etc/motd; ls etc; rm etc/added; echo other >etc/motd; touch data/kept")
    assert "mine\nadded\nmotd\n" in said
    assert "sealed: sealed\nis: overlay ext4\n" in said
    said = card.start("cat etc/motd; ls etc data/kept; touch data/autosetup/kept-open")
    assert "mine\ndata/kept\n\netc:\nadded\nmotd\n" in said
    assert "sealed: \n" in card.start("rm etc/motd")
    said = card.start("ls etc; rm data/autosetup/kept-open")
    assert said.startswith("added\n")
    assert "motd" not in said
    assert "sealed: sealed" in card.start("mkdir -p /run/systemd")
    assert card.root() == written


def test_a_sealed_node_mounts_its_boot_partition_for_reading(card: Card) -> None:
    card.start("rm data/autosetup/open")
    said = card.start("cat /run/systemd/system/boot-firmware.mount.d/sealed.conf")
    assert "[Mount]\nOptions=ro," in said


def test_the_kernel_refuses_to_write_the_root(card: Card) -> None:
    assert "1\n" in card.start('blockdev --getro "$ROOT"')


def test_damaged_data_are_mended(card: Card) -> None:
    card.start("rm data/autosetup/open; echo mine >etc/motd")
    card.spoil(0, 4096)  # the superblock; there are others
    said = card.start("cat etc/motd")
    assert "is damaged, and is mended now" in said
    assert said.startswith("mine\n")
    assert "sealed: sealed\nis: overlay ext4\n" in said
    checked = subprocess.run(["e2fsck", "-fn", f"{card.device}p3"], capture_output=True)
    assert checked.returncode == 0, checked.stdout


def test_a_node_without_its_data_starts_all_the_same(card: Card) -> None:
    card.start("echo mine >etc/motd")
    card.spoil(0, SIZE)
    said = card.start("cat etc/motd; echo other >etc/motd")
    assert said.startswith("as built\nsealed: \nis: overlay \n")
    assert "is damaged and cannot be mended" in said
    assert "is gone when it is switched off" in said
    assert card.start("cat etc/motd").startswith("as built\n")


def test_changes_that_cannot_be_laid_upon_the_root_are_left_out(card: Card) -> None:
    card.start("rm data/autosetup/open")
    card.start("rm -r data/.root/upper; touch data/.root/upper data/autosetup/open")
    said = card.start("cat etc/motd")
    assert said.startswith("as built\nsealed: \nis: overlay \n")
    assert "is gone when it is switched off" in said
