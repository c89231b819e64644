"""Whether PCs find in an image what they would start, with a BIOS and with UEFI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.lint.finding import Finding
from builder.lint.initramfs import Unreadable, read_initramfs
from builder.lint.kernel import read_kernel
from flasher.firmware.config_txt import BootFiles
from flasher.firmware.pc import has_code
from flasher.image.blocks import SECTOR

# Where PCs have their drives: SATA, NVMe, USB.
_SLOTS = ("ahci", "nvme", "usb-storage")
# The program of UEFI for an architecture, and the machine in its head (PE format, "Machine Types").
_UEFI = {
    "amd64": ("EFI/BOOT/BOOTX64.EFI", 0x8664),
    "i386": ("EFI/BOOT/BOOTIA32.EFI", 0x014C),
}
_PE_AT = slice(0x3C, 0x40)
_MACHINE = slice(4, 6)
PC_ARCHITECTURES = frozenset(_UEFI)
_LAYER = 'Add the layer that ships for PCs: uses = "pc".'
_KERNEL = "Add a kernel package: linux-image-amd64, or the one of the architecture."
_REMAKE = "Build anew; if it comes back, look at the initramfs step in the log."


@dataclass(frozen=True, slots=True)
class PcFiles:
    """What GRUB reads from the root file system; empty where there is no such file.

    Attributes:
        settings: /boot/grub/grub.cfg.
        kernel: /vmlinuz, which is a link.
        initramfs: /initrd.img, which is a link.
    """

    settings: bytes
    kernel: bytes
    initramfs: bytes


def check_pc(head: bytes, boot: BootFiles, root: PcFiles, architecture: str) -> Iterator[Finding]:
    """Findings about what PCs start.

    Args:
        head: the first two sectors.
        boot: files of the boot partition.
        root: files of the root file system.
        architecture: of the image, one of `PC_ARCHITECTURES`.
    """
    if not has_code(head) or not any(head[SECTOR:]):
        yield Finding("There is no code in front of the first partition for a BIOS.", _LAYER)
    yield from _check_uefi(boot, architecture)
    if not root.settings:
        yield Finding("There is no /boot/grub/grub.cfg: GRUB would not know what to do.", _LAYER)
    yield from _check_kernel(root, architecture)


def _check_uefi(boot: BootFiles, architecture: str) -> Iterator[Finding]:
    path, machine = _UEFI[architecture]
    if not boot.exists(path):
        yield Finding(f"There is no {path} on the boot partition for UEFI.", _LAYER)
        return
    data = boot.read(path)
    at = int.from_bytes(data[_PE_AT], "little")
    head = data[at : at + 6]
    if not head.startswith(b"PE\0\0") or int.from_bytes(head[_MACHINE], "little") != machine:
        yield Finding(f"{path} is no program of UEFI for {architecture}.", _LAYER)


def _check_kernel(root: PcFiles, architecture: str) -> Iterator[Finding]:
    if not root.kernel:
        yield Finding("There is no kernel: /vmlinuz leads nowhere.", _KERNEL)
        return
    kernel = read_kernel(root.kernel)
    if kernel.architecture != architecture:
        is_for = kernel.architecture or "none that is known"
        yield Finding(f"The kernel /vmlinuz is for {is_for}, not {architecture}.", _KERNEL)
    elif not root.initramfs:
        yield Finding("There is no initramfs: /initrd.img leads nowhere.", _REMAKE)
    else:
        yield from _check_initramfs(root.initramfs, kernel.version)


def _check_initramfs(data: bytes, version: str) -> Iterator[Finding]:
    try:
        archive = read_initramfs(data)
    except Unreadable as error:
        yield Finding(f"The initramfs /initrd.img is damaged: {error}.", _REMAKE)
        return
    if archive.whole and "init" not in archive.names:
        yield Finding("The initramfs /initrd.img has no /init.", _REMAKE)
    if version and archive.versions and version not in archive.versions:
        others = ", ".join(sorted(archive.versions))
        what = f"The initramfs /initrd.img has modules for {others}, but the kernel is {version}."
        yield Finding(what, _REMAKE)
    lacking = [name for name in _SLOTS if name not in archive.drivers]
    if archive.whole and lacking:
        what = f"The initramfs /initrd.img has no driver for some drives: {', '.join(lacking)}."
        yield Finding(what, "Set MODULES=most in /etc/initramfs-tools/initramfs.conf.")
