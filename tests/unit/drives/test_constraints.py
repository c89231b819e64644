"""Decisions that other tools are tested for, re-expressed: the drives, and what becomes of them.

The drives are those of rpi-imager's src/drivelist/drivelist_test.cpp, as sysfs shows them; the
constraints those of Etcher's tests/shared/drive-constraints.spec.ts. Where they warn, we ask for
the serial or refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from flasher.commands._drives import check_sizes
from flasher.drives.facts import is_drive
from flasher.drives.linux import describe_drive
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from tests.unit.drives.conftest import FakeComputer

PCI = "pci0000:00/0000:00:14.0"
USB = f"{PCI}/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0"
SLOT = f"{PCI}/mmc_host/mmc0/mmc0:aaaa"
NVME = f"{PCI}/nvme/nvme0"
SATA = f"{PCI}/ata1/host0/target0:0:0/0:0:0:0"
VIRTUAL = "virtual"


@dataclass(frozen=True)
class Case:
    """A disk at a place with partitions mounted; whether it is listed, and what is said of it."""

    name: str
    place: str
    bytes: int
    obstacle: str | None
    files: tuple[tuple[str, str], ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    mounted: tuple[str, ...] = ()
    listed: bool = True


CASES = {
    "USB stick": Case("sda", USB, 32010928128, None, (("removable", "1"),)),
    "card in a built-in reader, which is not called removable": Case(
        "mmcblk0", SLOT, 31914983424, None, (("device__type", "SD"),)
    ),
    "NVMe disk with the system": Case(
        "nvme0n1", NVME, 500107862016, "it holds / of this computer", (), (("", "/"),)
    ),
    "NVMe disk that nobody uses": Case(
        "nvme0n1", NVME, 500107862016, "it is no card in a card reader (NVMe disk)"
    ),
    "disc in a drive": Case(
        "sr0", SATA, 1073741312, "can be taken out", (("removable", "1"),), listed=False
    ),
    "memory": Case("ram0", VIRTUAL, 4194304, "disk of this computer", listed=False),
    "swap in memory": Case("zram0", VIRTUAL, 4294967296, "disk of this computer", listed=False),
    "boot area of built-in memory": Case(
        "mmcblk0boot0", SLOT, 4194304, "eMMC", (("device__type", "MMC"), ("ro", "1")), listed=False
    ),
    "built-in memory": Case("mmcblk0", SLOT, 31914983424, "eMMC", (("device__type", "MMC"),)),
    "image on a loop device": Case(
        "loop0", VIRTUAL, 1073741824, None, (), (("", "/mnt/image"),), ("/mnt/image",), listed=False
    ),
    "package on a loop device": Case(
        "loop1",
        VIRTUAL,
        1073741824,
        "it holds /snap/chromium/3352 of this computer",
        (),
        (("", "/snap/chromium/3352"),),
        listed=False,
    ),
    "stick whose partitions a desktop mounted": Case(
        "sda",
        USB,
        32010928128,
        None,
        (("removable", "1"),),
        (("1", "/media/user/boot"), ("2", "/media/user/rootfs")),
        ("/media/user/boot", "/media/user/rootfs"),
    ),
    "stick with the system's home on a partition": Case(
        "sda",
        USB,
        32010928128,
        "it holds /home/user of this computer",
        (("removable", "1"),),
        (("1", "/media/user/boot"), ("2", "/home/user")),
    ),
    "reader without a card": Case("sda", USB, 0, "there is no card in it", (("removable", "1"),)),
    "unusually large stick": Case(
        "sda",
        USB,
        1000204886016,
        "it is larger than a node's card (1000 GB)",
        (("removable", "1"), ("device__serial", "S")),
    ),
    "disk of many terabytes in a USB enclosure": Case(
        "sda", USB, 12 * 10**12, "it is a USB disk, by its own word", (("device__serial", "S"),)
    ),
    "internal disk": Case("sda", SATA, 10**12, "it is no card in a card reader (internal disk)"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_kind_of_drive_is_listed_and_judged(case: Case, computer: FakeComputer) -> None:
    folder = computer.device(
        case.name, case.place, size=str(-(-case.bytes // 512)), **dict(case.files)
    )
    for number in ("1", "2"):
        computer.partition(folder, f"{case.name}{number}", number)
    for number, place in case.mounts:
        computer.mount(f"{case.name}{number}", place)
    drive = describe_drive(case.name, {}, (), tables=computer.tables)
    assert is_drive(case.name) is case.listed
    assert (case.obstacle or "") in (drive.obstacle or "")
    assert bool(drive.obstacle) is bool(case.obstacle)
    assert drive.mounted == case.mounted


def complaint(drive: Drive, needed: int) -> str | None:
    try:
        check_sizes([drive], needed)
    except FlasherError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("size", "needed", "locked", "code"),
    [
        (1000, 999, False, None),
        (1000, 1000, False, None),
        (1000, 1001, False, "card-too-small"),
        (1000, 1000, True, "card-read-only"),
        (1000, 1001, True, "card-read-only"),
        (0, 0, False, None),
    ],
)
def test_too_small_and_locked_cards_are_told_apart_and_the_lock_comes_first(
    size: int, needed: int, locked: bool, code: str | None
) -> None:
    drive = Drive(Path("/dev/sda"), size, "usb", read_only=locked)
    assert complaint(drive, needed) == code
