"""The layer that lets a kernel boot: an initramfs for each kernel that has none, or not the right.

Package layers keep kernels from making their own, which would happen before other packages are
ready. Making one also fills the boot partition: raspi-firmware's hook copies kernel, initramfs and
device trees, and writes config.txt and cmdline.txt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from builder.bench import Bench
from builder.layers import Inputs
from builder.lock import LockedGroup
from builder.steps.installed import tidy_up

_KERNEL, _INITRAMFS = "vmlinuz-", "initrd.img-"
_SETTINGS = ("/etc/initramfs-tools/", "/usr/share/initramfs-tools/")

# Lines that a verbose run prints for Debian's general-purpose kernel, all modules in.
_USUAL_LINES = 1950


@dataclass(frozen=True, slots=True)
class Initramfs:
    """What `update-initramfs` makes; nothing where no kernel was added.

    Attributes:
        again: those that are there are made anew: what goes into them changed.
    """

    name: str
    epoch: int = 0
    again: bool = False
    kind: str = "initramfs"
    version: int = 2

    def inputs(self) -> Inputs:
        """Nothing but the layers below, and whether all are made."""
        return {"again": True} if self.again else {}

    def make(self, bench: Bench) -> None:
        """Make each missing initramfs, or each that a kernel has, with the tree's own tools."""
        there = sorted(_versions(bench, _INITRAMFS)) if self.again else []
        tasks = [("-u", kernel) for kernel in there]
        tasks += [("-c", kernel) for kernel in kernels_without_initramfs(bench)]
        for what, kernel in tasks:
            argv = ("update-initramfs", what, "-v", "-k", kernel)
            bench.run_in_tree(argv, on_line=_counting(bench))
            tidy_up(bench)


def has_kernel(group: LockedGroup) -> bool:
    """Whether one of the packages is a kernel, by Debian's names for them."""
    return any(package.name.startswith("linux-image-") for package in group.packages)


def kernels_without_initramfs(bench: Bench) -> tuple[str, ...]:
    """Versions of the kernels in the tree that have no initramfs, sorted."""
    return tuple(sorted(_versions(bench, _KERNEL) - _versions(bench, _INITRAMFS)))


def goes_into_initramfs(path: str) -> bool:
    """Whether a file of the image, by its path, settles what an initramfs is made of."""
    return path.startswith(_SETTINGS)


def _versions(bench: Bench, prefix: str) -> set[str]:
    names = bench.list_folder("boot")
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def _counting(bench: Bench) -> Callable[[str], None]:
    heard = 0

    def hear(_line: str) -> None:
        nonlocal heard
        heard += 1
        bench.progress.reach(min(heard * 100 // _USUAL_LINES, 99))

    return hear
