"""What may keep a card made of somebody's tree from starting: told, for he may know better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.lint.finding import Finding
from builder.lint.mounts import check_cmdline, check_fstab
from builder.lint.volumes import read_volumes
from builder.mount_names import DATA
from builder.rootfs import RootFs
from flasher.firmware.config_txt import CONFIG
from flasher.image.blocks import FileBlocks


def find_doubts(image: Path, rootfs: RootFs) -> Iterator[Finding]:
    """Look at an image of a tree as firmware, kernel and system will."""
    with FileBlocks(image) as blocks:
        volumes = read_volumes(blocks)
    place, files = rootfs.found.boot_place, {name for name, _ in rootfs.found.boot}
    if CONFIG not in files:
        what = f"There is no {CONFIG} in the tree's /{place}: no Raspberry Pi starts from it."
        yield Finding(what, "Install the system's firmware and kernel in the tree.")
    elif not rootfs.cmdline:
        what = f"There is no cmdline.txt in the tree's /{place}: the kernel finds no root."
        yield Finding(what, f"Make one: console=tty1 root={_label(volumes.root)} rootwait")
    else:
        start = any(name.startswith("initr") for name in files)
        yield from check_cmdline(
            "cmdline.txt", rootfs.cmdline, volumes, has_initramfs=start, has_pi_4=False
        )
    if rootfs.fstab:
        yield from check_fstab(rootfs.fstab, volumes)
    else:
        line = f"{_label(volumes.root)} / ext4 defaults,noatime 0 1"
        yield Finding("The tree has no /etc/fstab.", f"Make one: {line}")
    if volumes.data and not any(each.slot == DATA for each in rootfs.references):
        what = "Nothing in the tree's /etc/fstab mounts the partition for data."
        line = f"{_label(volumes.data)} /data ext4 defaults,noatime,nofail 0 2"
        yield Finding(what, f"Add: {line}")


def _label(names: Iterable[str]) -> str:
    return next((name for name in names if name.startswith("LABEL=")), "its PARTUUID")
