"""What is on a card, told by programs that are not ours, and by the kernel's own file system."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from autosetup.status import Status
from tests.integration.conftest import loop_over

Tree = dict[str, str]

_SECTOR = 512
# Mounted in a namespace of its own, so that nothing stays however it ends.
_LIST = """
set -e
mount -t ext4 -o ro "$1" "$2"
cd "$2"
find . -xdev -printf '%p\t%y %m %U:%G %l\n'
find . -xdev -type f -print0 | xargs -0 sha256sum | sed 's/^\\([^ ]*\\)  \\(.*\\)/\\2\tcontent \\1/'
"""
# Linux marks a mounted FAT as dirty in one byte of the boot sector, and not in its backup. A cut
# may leave the count of free clusters wrong, which is a hint only, and clusters of no file, which
# the next boot's fsck.fat takes back.
_HARMLESS = (
    "fsck.fat",
    "Dirty bit",
    " be corrupt",
    " Automatically removing",
    "Leaving",
    "There are differences between boot sector",
    "This is mostly harmless",
    "  65:01/00",
    "  Not automatically fixing this",
    "Free cluster summary wrong",
    "Reclaimed ",
    "  Auto-correcting.",
)
# By their nature these differ from one boot to another: times, random numbers, what systemd, the
# kernel and shadow's programs keep for themselves.
_VOLATILE = (
    "./etc/machine-id",
    "./etc/passwd-",
    "./etc/shadow-",
    "./etc/group-",
    "./etc/gshadow-",
    "./etc/subuid-",
    "./etc/subgid-",
    "./etc/.pwd.lock",
    "./etc/.updated",
    # Written at each start for avahi, so never flushed: a cut may leave what an earlier start said.
    "./etc/avahi/services/autosetup.service",
    "./lost+found",
    "./var/.updated",
    "./var/lib/autosetup/state.json",
    "./var/lib/NetworkManager/",
    "./var/lib/dpkg/status-old",
    "./var/lib/dpkg/updates/tmp.i",
    "./var/cache/apt/",
    "./var/lib/systemd/",
    "./var/lib/private/systemd",
    "./var/log/",
    "./var/tmp/",
    "./tmp/",
    "boot/autosetup/status.json",
    "boot/autosetup/log.txt",
    "boot/FSCK0",
)
# Every node makes its own.
_RANDOM = ("./etc/ssh/ssh_host_ecdsa_key", "./etc/ssh/ssh_host_rsa_key")


def partition(card: Path, number: int) -> tuple[int, int]:
    """Offset and size of a partition, in bytes."""
    table = json.loads(tool("sfdisk", "--json", card))["partitiontable"]
    found = table["partitions"][number - 1]
    return int(found["start"]) * _SECTOR, int(found["size"]) * _SECTOR


def faults_of_boot(card: Path) -> list[str]:
    """What fsck.fat has to say against the boot partition."""
    with part(card, 1) as device:
        done = subprocess.run(["fsck.fat", "-n", device], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(_HARMLESS)]
    return [line for line in lines if " files, " not in line]


def faults_of_root(card: Path) -> list[str]:
    """What e2fsck has to say against the root file system, once its journal is replayed."""
    with part(card, 2) as device:
        subprocess.run(["e2fsck", "-p", device], capture_output=True)
        done = subprocess.run(["e2fsck", "-fn", device], capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode else []


def tree_of(card: Path) -> Tree:
    """Kind, mode, owner, target and content of whatever is on both partitions, by path."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as point, part(card, 2) as device:
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _LIST, "sh"]
        lines = tool(*argv, device, point).splitlines()
    tree: Tree = {}
    for line in lines:
        path, fact = line.split("\t", 1)
        tree[path] = f"{tree.get(path, '')} {fact}".strip()
    return {path: fact for path, fact in (tree | _boot_tree(card)).items() if _lasts(path)}


def of_any_node(tree: Tree) -> Tree:
    """A tree without the content of files that each node makes by chance."""
    return {
        path: fact.partition(" content")[0] if path.startswith(_RANDOM) else fact
        for path, fact in tree.items()
    }


def differences(one: Tree, other: Tree) -> list[str]:
    """Paths that are not the same, with what they are in both."""
    paths = sorted(one.keys() | other.keys())
    return [f"{p}: {one.get(p)} | {other.get(p)}" for p in paths if one.get(p) != other.get(p)]


def on_boot(card: Path, path: str) -> bytes:
    """A file of the boot partition, as mtools read it."""
    at = partition(card, 1)[0]
    argv = ["mtype", "-i", f"{card}@@{at}", f"::{path}"]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def status_of(card: Path) -> Status:
    """What the node says on the card."""
    return Status.from_json(on_boot(card, "autosetup/status.json"))


def tool(*argv: str | Path) -> str:
    """What a program prints that has to succeed."""
    done = subprocess.run(
        list(map(str, argv)), stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}"
    return done.stdout


def part(card: Path, number: int) -> AbstractContextManager[Path]:
    """A device over a partition."""
    offset, size = partition(card, number)
    return loop_over(card, f"--offset={offset}", f"--sizelimit={size}")


def _boot_tree(card: Path) -> Tree:
    at = partition(card, 1)[0]
    with tempfile.TemporaryDirectory() as folder:
        tool("mcopy", "-s", "-n", "-Q", "-i", f"{card}@@{at}", "::*", folder)
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        sums = tool("sha256sum", *files).splitlines()
        return {f"boot/{Path(line[66:]).relative_to(folder)}": line[:64] for line in sums}


def _lasts(path: str) -> bool:
    return not path.startswith(_VOLATILE)
