"""What the kernel says of a disk: sysfs in, one frozen value out.

The files are described in Linux's Documentation/ABI (stable/sysfs-block, testing/sysfs-bus-mmc,
testing/sysfs-devices-removable) and Documentation/driver-api/usb.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flasher.drives.model import DriveKind
from flasher.drives.tables import plain, read_text

SECTOR = 512  # the unit of /sys/block/*/size, whatever the drive's own sectors are
_USB_DEVICE = re.compile(r"\d+-\d+(\.\d+)*")
_SCSI_ADDRESS = re.compile(r"\d+:\d+:\d+:(\d+)")
_MMC_HOST = re.compile(r"mmc\d+")
_PCI_ADDRESS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
# Not drives that one holds in one's hand: memory, optical, mapped, and the boot areas of eMMC.
_NO_DRIVES = ("ram", "zram", "sr", "fd", "dm-", "md", "loop", "nbd", "mtdblock")


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A disk as the kernel describes it.

    Attributes:
        name: the kernel's, such as ``sda``.
        kind: how it is connected.
        size: bytes; 0 for a reader without a card.
        vendor, model, serial, port, card_id: as `Drive` has them.
        removable: whether the medium can be taken out of the drive.
        read_only: as the kernel says.
        medium: what is in an MMC slot: ``SD``, ``SDcombo``, or ``MMC`` for built-in memory.
        pluggable: whether the drive itself is plugged in from outside the computer, on PCI Express.
        identity: device number and the kernel's sequence number, which each change of card raises.
    """

    name: str
    kind: DriveKind
    size: int
    vendor: str = ""
    model: str = ""
    serial: str = ""
    removable: bool = False
    read_only: bool = False
    medium: str = ""
    pluggable: bool = False
    port: str = ""
    card_id: str = ""
    identity: str = ""


def is_drive(name: str) -> bool:
    """Whether a disk of that name may be something that one holds in one's hand."""
    return not name.startswith(_NO_DRIVES) and "boot" not in name and "rpmb" not in name


def read_facts(folder: Path, properties: Mapping[str, str]) -> DeviceFacts:
    """Read what the kernel and udev say of a disk.

    Args:
        folder: its own in sysfs, links resolved.
        properties: what udev knows of it; nothing where no udev runs.
    """
    device = folder / "device"
    kind = kind_of(folder)
    said = {key: plain(value) for key, value in properties.items()}
    model = said.get("ID_MODEL", "").replace("_", " ") or _read(device / "model")
    return DeviceFacts(
        name=folder.name,
        kind=kind,
        size=int(_read(folder / "size") or 0) * SECTOR,
        vendor=said.get("ID_VENDOR", "").replace("_", " ").strip() or _read(device / "vendor"),
        model=model.strip() or (_read(device / "name") if kind == "mmc" else ""),
        serial=said.get("ID_SERIAL_SHORT") or _read(device / "serial") or _usb_serial(folder),
        removable=_read(folder / "removable") == "1",
        read_only=_read(folder / "ro") == "1",
        medium=_read(device / "type") if kind == "mmc" else "",
        pluggable=any(_read(parent / "removable") == "removable" for parent in folder.parents),
        port=_port(kind, folder.parts),
        card_id=_read(device / "cid") if kind == "mmc" else "",
        identity=f"{_read(folder / 'dev')}#{_read(folder / 'diskseq')}",
    )


def kind_of(folder: Path) -> DriveKind:
    """How a disk is connected, by its name and its place in the tree of devices."""
    name, places = folder.name, folder.parts
    if name.startswith("loop"):
        return "loop"
    if name.startswith("mmcblk"):
        return "mmc"
    if name.startswith("nvme"):
        return "nvme"
    if any(_USB_DEVICE.fullmatch(part) for part in places):
        return "usb"
    return "ata" if any(re.fullmatch(r"ata\d+", part) for part in places) else "other"


def _port(kind: DriveKind, places: tuple[str, ...]) -> str:
    """Bus and place of a drive: what names the same slot tomorrow."""
    if kind == "usb":
        lun = _last(_SCSI_ADDRESS, places)
        unit = f":lun{lun.rpartition(':')[2]}" if lun else ""
        return f"usb {_last(_USB_DEVICE, places)}{unit}"
    if kind == "mmc":
        return f"mmc {_last(_MMC_HOST, places)}"
    address = _last(_PCI_ADDRESS, places)
    return f"pci {address}" if address else ""


def _last(form: re.Pattern[str], places: tuple[str, ...]) -> str:
    return next((part for part in reversed(places) if form.fullmatch(part)), "")


def _usb_serial(folder: Path) -> str:
    """What a USB device says; udev asks it, too, where udev runs."""
    found = (parent for parent in folder.parents if _USB_DEVICE.fullmatch(parent.name))
    return next((_read(parent / "serial") for parent in found), "")


def _read(path: Path) -> str:
    return plain(read_text(path))
