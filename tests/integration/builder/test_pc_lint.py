"""The boot lint on a real image for PCs: a good one has no findings, each fault in it has one.

Table, FAT and ext4 are made as in `lint_images`; kernel and programs are heads of real ones.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from builder.bootable import find_pc_faults
from builder.lint.pc import PcFiles
from builder.recipe import ImageSettings, Recipe
from flasher.image.blocks import FileBlocks
from tests.integration.builder.lint_images import (
    FSTAB,
    Change,
    at,
    cpio,
    drop,
    make_image,
    put,
    tool,
    words_of,
)

VERSION = "6.12.107+deb13-amd64"
LOADER = "EFI/BOOT/BOOTX64.EFI"
RECIPE = Recipe("t", "", "trixie", "amd64", ImageSettings(), ())


def kernel(flags: int = 0x3F) -> bytes:
    """A bzImage's head: Linux, Documentation/arch/x86/boot.rst."""
    head = bytearray(0x400)
    head[0x202:0x206] = b"HdrS"
    head[0x20E:0x210] = struct.pack("<H", 0x100)
    head[0x236:0x238] = struct.pack("<H", flags)
    return bytes(head[:0x300]) + f"{VERSION} (someone) #1 SMP".encode() + bytes(64)


def initramfs(*drivers: str, version: str = VERSION) -> bytes:
    folder = f"usr/lib/modules/{version}/kernel/drivers"
    return cpio("init", *(f"{folder}/{name}.ko.xz" for name in drivers))


def program(machine: int) -> bytes:
    """A program of UEFI, as far as its head tells: PE format, "COFF File Header"."""
    return (
        b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0" + struct.pack("<H", machine)
    )


ROOT = PcFiles(b"set timeout=2\n", kernel(), initramfs("ahci", "nvme", "usb-storage"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pc") / "pc.img"
    make_image(path, {})
    for name in ("EFI", "EFI/BOOT"):
        tool("mmd", "-i", f"{path}@@4M", f"::{name}")
    put(LOADER, program(0x8664))(path)
    at(0, b"\xeb\x63 code")(path)
    at(512, b"core")(path)
    return path


def find(image: Path, root: PcFiles = ROOT, fstab: str = FSTAB) -> list[str]:
    with FileBlocks(image) as blocks:
        return words_of(find_pc_faults(blocks, RECIPE, fstab, root))


def test_a_good_image_has_no_findings(whole: Path) -> None:
    assert find(whole) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (at(0, bytes(440)), "There is no code in front of the first partition"),
        (at(512, bytes(4)), "There is no code in front of the first partition"),
        (drop(LOADER), f"There is no {LOADER} on the boot partition for UEFI."),
        (put(LOADER, b"MZ"), f"{LOADER} is no program of UEFI for amd64."),
        (put(LOADER, program(0x14C)), f"{LOADER} is no program of UEFI for amd64."),
        (at(0x1CE + 4, b"\x07"), "Slot 2 of the partition table is of type 0x07."),
    ],
)
def test_each_fault_of_the_image_is_told(
    whole: Path, tmp_path: Path, fault: Change, told: str
) -> None:
    image = tmp_path / "changed.img"
    shutil.copyfile(whole, image)
    fault(image)
    (found,) = find(image)
    assert told in found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": b""}, "There is no /boot/grub/grub.cfg"),
        ({"kernel": b""}, "There is no kernel: /vmlinuz leads nowhere."),
        ({"kernel": kernel(flags=0)}, "The kernel /vmlinuz is for i386, not amd64."),
        ({"kernel": b"\x7fELF"}, "The kernel /vmlinuz is for none that is known, not amd64."),
        ({"initramfs": b""}, "There is no initramfs: /initrd.img leads nowhere."),
        ({"initramfs": ROOT.initramfs[:700]}, "The initramfs /initrd.img is damaged"),
        ({"initramfs": initramfs("ahci", "nvme")}, "for some drives: usb-storage"),
        (
            {"initramfs": initramfs("ahci", "nvme", "usb-storage", version="6.1.0-1-amd64")},
            f"has modules for 6.1.0-1-amd64, but the kernel is {VERSION}.",
        ),
    ],
)
def test_each_fault_of_the_root_is_told(whole: Path, change: dict[str, bytes], told: str) -> None:
    (found,) = find(whole, replace(ROOT, **change))
    assert told in found


def test_a_mount_of_nothing_is_told(whole: Path) -> None:
    (found,) = find(whole, fstab=FSTAB.replace("LABEL=bootfs", "LABEL=other"))
    assert "mounts LABEL=other, which is not in this image" in found
