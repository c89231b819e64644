"""The boot lint on real images: a good one has no findings, each fault put into it has one."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.bootable import find_faults
from builder.recipe import ImageSettings, Recipe
from flasher.firmware.boards import PI_4B
from flasher.image.blocks import FileBlocks
from tests.integration.builder.lint_images import (
    BOOT_MIB,
    CMDLINE,
    FSTAB,
    MIB,
    TREE,
    UUID,
    VERSION,
    Change,
    at,
    boot_files,
    cmdline,
    config,
    cpio,
    drop,
    initramfs_of,
    kernel_of,
    make_image,
    put,
    tool,
    words_of,
)


def recipe_of(architecture: str, *boards: str) -> Recipe:
    return Recipe("t", "", "trixie", architecture, ImageSettings(boards=boards or None), ())


def find(image: Path, recipe: Recipe, fstab: str = FSTAB) -> list[str]:
    with FileBlocks(image) as blocks:
        return words_of(find_faults(blocks, recipe, fstab))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("whole")

    def give(architecture: str) -> Path:
        path = folder / f"{architecture}.img"
        if not path.exists():
            make_image(path, boot_files(architecture))
        return path

    return give


@pytest.fixture
def change(whole: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    def make(*changes: Change, architecture: str = "arm64") -> Path:
        path = tmp_path / "changed.img"
        shutil.copyfile(whole(architecture), path)
        for each in changes:
            each(path)
        return path

    return make


@pytest.mark.parametrize("architecture", ["arm64", "armhf"])
def test_a_good_image_has_no_findings(whole: Callable[[str], Path], architecture: str) -> None:
    assert find(whole(architecture), recipe_of(architecture)) == []


ENTRY_1, ENTRY_2 = 0x1BE, 0x1CE
ARM64, ARMHF = VERSION["arm64"], VERSION["armhf"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (at(ENTRY_1 + 4, b"\x0b"), "Slot 1 of the partition table is of type 0x0B."),
        (at(ENTRY_2 + 4, b"\x07"), "Slot 2 of the partition table is of type 0x07."),
        (at(0x1DE + 4, b"\xee\0\0\0\1\0\0\0\1\0\0\0"), "Slot 3 of the partition table is of type"),
        (at(512, b"EFI PART"), "There is a GPT behind the MBR."),
        (at(0x1B8, bytes(4)), "The disk has no id"),
        (at(ENTRY_2 + 12, b"\0\0\1\0"), "The partitions end at byte"),
        (at(510, b"\0\0"), "There is no partition table"),
        (lambda image: tool("mlabel", "-i", f"{image}@@4M", "::other"), "label is 'OTHER'"),
        (put("filler", bytes(37 * MIB)), "MiB left: too little for a kernel update"),
        (drop("config.txt"), "There is no config.txt"),
        (drop("cmdline.txt"), "There is no cmdline.txt"),
        (drop("bootcode.bin"), "There is no bootcode.bin"),
        (drop("fixup4.dat"), "Raspberry Pi 4B, Raspberry Pi 400: There is no fixup4.dat"),
        (put("start.elf", b"junk"), "start.elf is no firmware"),
        (drop("overlays"), "there is no overlays/disable-bt.dtbo"),
        (config("disable-bt", "imx477"), "there is no overlays/imx477.dtbo"),
        (config("disable-bt", "imx477,rotation=0"), "there is no overlays/imx477.dtbo"),
        (drop(f"vmlinuz-{ARM64}"), f"config.txt line 3: kernel=vmlinuz-{ARM64} asks for it"),
        (drop(f"initrd.img-{ARM64}"), f"config.txt line 4: initramfs initrd.img-{ARM64} asks"),
        (drop("bcm2711-rpi-4-b.dtb"), "Raspberry Pi 4B: There is no bcm2711-rpi-4-b.dtb"),
        (put("bcm2837-rpi-3-b.dtb", TREE[:30]), "bcm2837-rpi-3-b.dtb is no whole device tree"),
        (config("arm_64bit=1", "arm_64bit=0"), "is started in 32-bit mode"),
        (config("arm_64bit=1\n", ""), "Raspberry Pi 3B, Raspberry Pi 3B+, Raspberry Pi Zero 2 W: "),
        (config("[all]", "kernel = other"), "spaces beside the equals sign"),
        (config("[all]", f"hdmi_cvt={'1' * 99}"), "ignores what follows character 98"),
        (put(f"vmlinuz-{ARM64}", kernel_of("armhf")), "is for armhf, not arm64"),
        (put(f"vmlinuz-{ARM64}", b"MZ\0\0zimg"), "is packed for UEFI"),
        (put(f"vmlinuz-{ARM64}", b"\x7fELF"), "is an ELF file"),
        (put(f"vmlinuz-{ARM64}", b"anything"), "is in no form that is known"),
        (put(f"vmlinuz-{ARM64}", gzip.compress(kernel_of("arm64"))[:-9]), "ends too early"),
        (put(f"initrd.img-{ARM64}", initramfs_of(ARM64)[:-8]), "is damaged: what is packed at"),
        (put(f"initrd.img-{ARM64}", initramfs_of(ARM64)[:200]), "ends in the middle of the entry"),
        (put(f"initrd.img-{ARM64}", b"junk"), "is damaged: what is at byte 0 is no archive"),
        (
            put(f"initrd.img-{ARM64}", initramfs_of("6.1.0")),
            "has modules for 6.1.0, but the kernel",
        ),
        (
            put(f"initrd.img-{ARM64}", cpio("init", f"usr/lib/modules/{ARM64}/a.ko")),
            "has no driver for the card's slot (bcm2835)",
        ),
        (
            put(f"initrd.img-{ARM64}", cpio("init2")),
            "has no /init",
        ),
        (cmdline("root=LABEL=other rootwait\n"), "root=LABEL=other, which is not in this image"),
        (cmdline("root=PARTUUID=12345678-03 rootwait"), "which is not in this image"),
        (cmdline("rootwait quiet"), "cmdline.txt has no `root=`"),
        (cmdline("root=LABEL=rootfs quiet\n"), "cmdline.txt lacks `rootwait`"),
        (cmdline("root=LABEL=rootfs\nrootwait\n"), "cmdline.txt has more than one line"),
        (cmdline(CMDLINE.replace("rw", "cma=64M")), "Pi 400: cmdline.txt has `cma=`, which keeps"),
        (config("initramfs", "#initramfs"), "which only an initramfs can find"),
    ],
)
def test_each_fault_is_found_in_the_image(
    change: Callable[..., Path], fault: Change, told: str
) -> None:
    found = find(change(fault), recipe_of("arm64"))
    assert any(told in what for what in found), found


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (config("arm_64bit=0\n", "", "armhf"), "Pi 4B, Raspberry Pi 400: vmlinuz-"),
        (
            config("arm_64bit=0", "arm_64bit=1", "armhf"),
            "Raspberry Pi 2B: A 64-bit kernel is asked",
        ),
        (put(f"vmlinuz-{ARMHF}", kernel_of("armhf")[:-9]), "ends after"),
        (put(f"initrd.img-{ARMHF}", initramfs_of(ARM64)), f"but the kernel is {ARMHF}"),
    ],
)
def test_each_fault_of_32_bit_images_is_found(
    change: Callable[..., Path], fault: Change, told: str
) -> None:
    found = find(change(fault, architecture="armhf"), recipe_of("armhf"))
    assert any(told in what for what in found), found


@pytest.mark.parametrize(
    "names",
    ["PARTUUID=12345678-02", f"UUID={UUID}", "/dev/mmcblk0p2"],
)
def test_every_true_name_of_the_root_is_one(change: Callable[..., Path], names: str) -> None:
    assert find(change(cmdline(f"root={names} rootwait")), recipe_of("arm64")) == []


@pytest.mark.parametrize(
    ("fstab", "told"),
    [
        ("LABEL=other / ext4", "mounts LABEL=other, which is not in this image, on /."),
        ("UUID=0000-0000 /boot/firmware vfat", "mounts UUID=0000-0000, which is not in this image"),
        ("/dev/mmcblk0p2 / ext4", "is another drive on another board"),
        ("LABEL=data /srv ext4 defaults", "mounts LABEL=data, which is not in this image, on /srv"),
        ("LABEL=rootfs", "line 1 is not whole"),
        ("# nothing", "/etc/fstab does not mount /boot/firmware."),
    ],
)
def test_each_fault_of_fstab_is_found(whole: Callable[[str], Path], fstab: str, told: str) -> None:
    found = find(whole("arm64"), recipe_of("arm64"), f"{fstab}\n")
    assert any(told in what for what in found), found


def test_older_systems_mount_the_boot_partition_at_boot(whole: Callable[[str], Path]) -> None:
    older = FSTAB.replace("/boot/firmware", "/boot")
    assert find(whole("arm64"), recipe_of("arm64"), older) == []


def test_drives_that_may_be_missing_are_no_fault_of_fstab(whole: Callable[[str], Path]) -> None:
    more = "LABEL=data /srv ext4 nofail 0 2\ntmpfs /tmp tmpfs\nPARTUUID=1-1 /a ext4 noauto\n"
    assert find(whole("arm64"), recipe_of("arm64"), FSTAB + more) == []


def test_the_serial_number_of_the_boot_partition_names_it(whole: Callable[[str], Path]) -> None:
    image = whole("arm64")
    boot = image.with_suffix(".boot")
    tool("dd", f"if={image}", f"of={boot}", "bs=1M", "skip=4", f"count={BOOT_MIB}")
    told = subprocess.run(
        ["blkid", "-p", "-o", "value", "-s", "UUID", boot], capture_output=True, text=True
    ).stdout.strip()
    fstab = FSTAB.replace("LABEL=bootfs", f"UUID={told}")
    assert find(image, recipe_of("arm64"), fstab) == []


def test_a_hybrid_table_with_the_boot_partition_out_of_the_slots_is_found(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """As in Debian's daily image of March 2026: the FAT is partition 15 of a GPT, the root 1."""
    image = tmp_path / "daily.img"
    shutil.copyfile(whole("arm64"), image)
    table = (
        "label: gpt\n"
        f"15: start=8192, size={BOOT_MIB * 2048 - 4096}, type=U\n"
        f"1: start={(4 + BOOT_MIB) * 2048}, size=2048, type=L\n"
    )
    tool("sfdisk", "--quiet", "--wipe", "never", image, stdin=table.encode())
    protective = find(image, recipe_of("arm64"))
    assert any("type 0xEE" in what for what in protective)
    assert any("GPT behind" in what for what in protective)
    # A hybrid tells the firmware of the FAT in slot 2, behind the protective entry.
    at(ENTRY_2, struct.pack("<B3sB3sII", 0, b"", 0x0C, b"", 8192, BOOT_MIB * 2048 - 4096))(image)
    hybrid = find(image, recipe_of("arm64"))
    assert any("Slot 1 of the partition table is of type 0xEE" in what for what in hybrid)
    assert any("Slot 2 of the partition table is of type 0x0C" in what for what in hybrid)


def test_all_faults_are_told_at_once(change: Callable[..., Path]) -> None:
    image = change(drop("start4.elf"), cmdline("quiet"), at(512, b"EFI PART"))
    found = find(image, recipe_of("arm64"), "")
    for told in ("start4.elf", "`root=`", "rootwait", "GPT", "/boot/firmware"):
        assert any(told in what for what in found), told


def test_an_image_for_one_board_needs_that_boards_files_only(change: Callable[..., Path]) -> None:
    image = change(*map(drop, ("bootcode.bin", "start.elf", "bcm2837-rpi-3-b.dtb")))
    assert find(image, recipe_of("arm64", "pi4")) == []
    assert recipe_of("arm64", "pi4").boards == (PI_4B,)


def test_a_section_for_one_board_is_judged_for_that_board(change: Callable[..., Path]) -> None:
    found = find(change(config("[all]", "[pi4]\nkernel=mine")), recipe_of("arm64"))
    assert len(found) == 1
    assert found[0].startswith("Raspberry Pi 4B, Raspberry Pi 400: There is no mine")


def test_a_packed_kernel_of_64_bits_is_one(change: Callable[..., Path]) -> None:
    packed = gzip.compress(kernel_of("arm64"))
    assert find(change(put(f"vmlinuz-{ARM64}", packed)), recipe_of("arm64")) == []


@pytest.mark.parametrize("packer", ["gzip", "xz", "zstd"])
def test_an_initramfs_may_be_packed_in_each_usual_form(
    change: Callable[..., Path], packer: str
) -> None:
    host = f"usr/lib/modules/{ARM64}/kernel/drivers/mmc/host"
    raw = cpio("init", f"{host}/bcm2835.ko", f"{host}/sdhci_iproc.ko")
    packed = subprocess.run([packer, "-c"], input=raw, check=True, capture_output=True).stdout
    assert find(change(put(f"initrd.img-{ARM64}", packed)), recipe_of("arm64")) == []


def test_a_driver_built_into_the_kernel_is_one(change: Callable[..., Path]) -> None:
    folder = f"usr/lib/modules/{ARM64}"
    entry = cpio(f"{folder}/modules.builtin")
    content = b"kernel/drivers/mmc/host/bcm2835.ko\nkernel/drivers/mmc/host/sdhci-iproc.ko\n"
    size = 6 + 8 * 6
    head = entry[:size] + b"%08X" % len(content) + entry[size + 8 :]
    end = head.index(b"TRAILER") - 110
    archive = head[:end] + content + bytes(-len(content) % 4) + cpio("init")
    assert find(change(put(f"initrd.img-{ARM64}", archive)), recipe_of("arm64")) == []
