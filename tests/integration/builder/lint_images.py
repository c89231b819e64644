"""Images for the boot lint, and what changes them: each fault is put into a good one.

Tables, FAT and ext4 are made by sfdisk, mkfs.fat, mtools and mke2fs.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from builder.lint.finding import Finding
from flasher.firmware.boards import BOARDS

MIB = 1 << 20
BOOT_MIB, ROOT_MIB = 40, 4
VERSION = {"arm64": "6.12.107+deb13-arm64", "armhf": "6.12.107+deb13-armmp"}
TREE = struct.pack(">2I", 0xD00DFEED, 40) + bytes(32)
CMDLINE = "console=tty0 root=LABEL=rootfs rw rootwait\n"
FSTAB = "LABEL=rootfs / ext4 noatime 0 1\nLABEL=bootfs /boot/firmware vfat noatime 0 2\n"
UUID = "0bdfb9f1-4d2b-4b4f-9f1c-0123456789ab"

Change = Callable[[Path], object]


def tool(*argv: str | Path, stdin: bytes = b"") -> None:
    subprocess.run(list(map(str, argv)), input=stdin, check=True, capture_output=True)


def kernel_of(architecture: str) -> bytes:
    if architecture == "arm64":
        banner = f"Linux version {VERSION['arm64']} (someone) ".encode()
        return bytes(0x38) + b"ARM\x64" + bytes(4) + banner
    return bytes(0x24) + struct.pack("<3I", 0x016F2818, 0, 0x40) + bytes(0x10)


def cpio(*names: str) -> bytes:
    """An archive of empty files, after cpio(5), "newc"."""
    raw = b""
    for name in (*names, "TRAILER!!!"):
        fields = [0] * 13
        fields[11] = len(name) + 1
        entry = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        raw += entry + bytes(-len(entry) % 4)
    return raw + bytes(-len(raw) % 512)


def initramfs_of(version: str) -> bytes:
    """As Debian packs it: modules as they are, all else compressed."""
    host = f"usr/lib/modules/{version}/kernel/drivers/mmc/host"
    modules = cpio(f"{host}/bcm2835.ko.xz", f"{host}/sdhci-iproc.ko.xz")
    packed = subprocess.run(["zstd", "-q"], input=cpio("init"), check=True, capture_output=True)
    return modules + packed.stdout


def config_of(architecture: str) -> str:
    version = VERSION[architecture]
    return (
        f"arm_64bit={int(architecture == 'arm64')}\nupstream_kernel=1\n"
        f"kernel=vmlinuz-{version}\ninitramfs initrd.img-{version}\n[all]\ndtoverlay=disable-bt\n"
    )


def boot_files(architecture: str) -> dict[str, bytes]:
    version = VERSION[architecture]
    firmware = {name for board in BOARDS.values() for name in board.firmware}
    return {
        **dict.fromkeys(firmware, b"\x7fELF firmware"),
        **{board.trees[1]: TREE for board in BOARDS.values()},
        f"vmlinuz-{version}": kernel_of(architecture),
        f"initrd.img-{version}": initramfs_of(version),
        "config.txt": config_of(architecture).encode(),
        "cmdline.txt": CMDLINE.encode(),
        "overlays/disable-bt.dtbo": TREE,
    }


def make_image(path: Path, files: dict[str, bytes]) -> None:
    boot = 4 * MIB
    root = boot + BOOT_MIB * MIB
    with path.open("wb") as handle:
        handle.truncate(root + ROOT_MIB * MIB)
    table = (
        f"label: dos\nlabel-id: 0x12345678\nstart={boot // 512}, size={BOOT_MIB * 2048}, type=c\n"
        f"start={root // 512}, type=83\n"
    )
    tool("sfdisk", "--quiet", path, stdin=table.encode())
    fat = ("-F", "32", "-s", "1", "-n", "bootfs", "--offset", str(boot // 512))
    tool("mkfs.fat", *fat, path, str(BOOT_MIB * 1024))
    ext4 = ("-q", "-F", "-t", "ext4", "-L", "rootfs", "-U", UUID, "-E", f"offset={root}")
    tool("mke2fs", *ext4, path, f"{ROOT_MIB}m")
    tool("mmd", "-i", f"{path}@@{boot}", "::overlays")
    for name, data in files.items():
        put(name, data)(path)


def put(name: str, data: bytes) -> Change:
    return lambda image: tool("mcopy", "-o", "-i", f"{image}@@4M", "-", f"::{name}", stdin=data)


def drop(name: str) -> Change:
    return lambda image: tool("mdeltree", "-i", f"{image}@@4M", f"::{name}")


def at(offset: int, data: bytes) -> Change:
    def change(image: Path) -> None:
        with image.open("r+b") as handle:
            handle.seek(offset)
            handle.write(data)

    return change


def config(old: str, new: str, architecture: str = "arm64") -> Change:
    text = config_of(architecture)
    assert old in text
    return put("config.txt", text.replace(old, new).encode())


def cmdline(text: str) -> Change:
    return put("cmdline.txt", text.encode())


def words_of(findings: Iterable[Finding]) -> list[str]:
    """What is wrong; each finding also says what to do."""
    found = list(findings)
    assert all(finding.what and finding.remedy for finding in found)
    return [finding.what for finding in found]
