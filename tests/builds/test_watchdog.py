"""A computer whose kernel stands still is restarted: the layer `watchdog`, in QEMU."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Place

pytestmark = pytest.mark.timeout(900)

# Once systemd feeds the watchdog, the kernel is made to panic, and told to stay so.
RECIPE = """
format = 1
name = "dog"
title = "A computer that hangs"
from = "debian:trixie"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 64

[[layer]]
name = "system"
packages = ["initramfs-tools", "linux-image-amd64"]

[[layer]]
uses = "watchdog"

[[layer]]
name = "hanging"
enable = ["hang.service"]

[[layer.file]]
path = "/usr/lib/modules-load.d/qemu.conf"
lines = ["i6300esb"]

[[layer.file]]
path = "/usr/bin/hang"
mode = "0755"
lines = [
    "#!/bin/sh",
    "until grep -qx active /sys/class/watchdog/watchdog0/state; do :; done",
    "echo c > /proc/sysrq-trigger",
]

[[layer.file]]
path = "/usr/lib/systemd/system/hang.service"
lines = ["[Service]", "ExecStart=/usr/bin/hang", "[Install]", "WantedBy=multi-user.target"]
"""


@pytest.fixture
def image(reference: Reference, tmp_path: Path) -> Path:
    (tmp_path / "dog.toml").write_text(RECIPE)
    place = Place(tmp_path / "place", tmp_path / "dog.toml")
    place.store.mkdir(parents=True)
    subprocess.run(["cp", "-a", "--link", reference.place.store / "pool", place.store], check=True)
    ended = place.build()
    assert ended.status == 0, ended.words
    return place.out / "dog.img"


def take_out(image: Path, into: Path) -> tuple[Path, Path]:
    """Kernel and initial file system of the one kernel that the root file system has."""
    table = json.loads(subprocess.check_output(["sfdisk", "--json", image]))["partitiontable"]
    place = f"{image}?offset={table['partitions'][1]['start'] * 512}"
    listed = subprocess.check_output(["debugfs", "-R", "ls -p /boot", place], text=True)
    (version,) = re.findall(r"/vmlinuz-([^/]+)/", listed)
    for name in ("vmlinuz", "initrd.img"):
        dump = f"dump /boot/{name}-{version} {into / name}"
        subprocess.run(["debugfs", "-R", dump, place], check=True)
    return into / "vmlinuz", into / "initrd.img"


def test_a_kernel_that_stands_still_is_ended_by_the_watchdog(image: Path, tmp_path: Path):
    kernel, initrd = take_out(image, tmp_path)
    done = subprocess.run(
        (
            *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-m", "512"),
            *("-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none"),
            *("-snapshot", "-drive", f"file={image},format=raw,if=virtio"),
            *("-device", "i6300esb", "-action", "watchdog=poweroff"),
            *("-kernel", str(kernel), "-initrd", str(initrd), "-append"),
            "root=/dev/vda2 ro console=ttyS0 panic=0 systemd.log_target=kmsg loglevel=7",
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    assert "Watchdog running with a hardware timeout of 15s" in done.stdout
    assert "Kernel panic - not syncing" in done.stdout
    assert done.returncode == 0  # QEMU ended by itself: nothing else ends a kernel that panicked
