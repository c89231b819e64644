"""A boot partition that is damaged must not keep a node from starting, however /etc/fstab came."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flasher import paths
from tests.integration.autosetup.conftest import Node

SCRIPT = paths.assets() / "layers/agent/boot-partition.sh"
GENERATOR = "/usr/lib/systemd/system-generators/systemd-fstab-generator"
ROOT = "LABEL=rootfs  /               ext4  defaults,noatime  0  1"
OURS = "LABEL=bootfs  /boot/firmware  vfat  defaults,noatime,umask=0077  0  2"
OLD = "PARTUUID=0a1b-01\t/boot\tvfat\tdefaults\t0\t2"


def settled(node: Node, *lines: str) -> str:
    """What becomes of an image's /etc/fstab."""
    (node.upper / "etc/fstab").write_text("".join(f"{line}\n" for line in lines))
    done = node.execute("sh", "-e", "-c", SCRIPT.read_text())
    assert done.returncode == 0, done.stderr
    return node.read("/etc/fstab")


def wants_and_orders(fstab: str, folder: Path, mount: str) -> tuple[str, bool]:
    """How systemd ties a mount to all local file systems: by what, and whether they wait for it."""
    (folder / "fstab").write_text(fstab)
    environment = {"SYSTEMD_FSTAB": str(folder / "fstab"), "SYSTEMD_PROC_CMDLINE": ""}
    argv = [GENERATOR, *([str(folder)] * 3)]
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    ties = [tie.parent.suffix for tie in folder.glob(f"local-fs.target.*/{mount}")]
    orders = [line for line in (folder / mount).read_text().splitlines() if "Before=" in line]
    return "".join(ties), "local-fs.target" in " ".join(orders)


@pytest.mark.parametrize(("line", "mount"), [(OURS, "boot-firmware.mount"), (OLD, "boot.mount")])
def test_systemd_wants_the_boot_partition_first_and_does_without(
    node: Node, tmp_path: Path, line: str, mount: str
) -> None:
    (tmp_path / "before").mkdir()
    assert wants_and_orders(f"{line}\n", tmp_path / "before", mount) == (".requires", True)
    told = settled(node, "# /boot/firmware is here", ROOT, line)
    assert wants_and_orders(told, tmp_path, mount) == (".wants", True)


def test_nothing_else_is_changed_and_nothing_twice(node: Node) -> None:
    first = settled(node, "# /boot is here", ROOT, OURS, "LABEL=data  /data  ext4  defaults  0  2")
    lines = first.splitlines()
    assert lines[:2] + lines[3:] == [
        "# /boot is here",
        ROOT,
        "LABEL=data  /data  ext4  defaults  0  2",
    ]
    assert lines[2].split()[:3] == OURS.split()[:3]
    assert settled(node, *lines) == first
