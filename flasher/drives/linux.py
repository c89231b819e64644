"""The drives of a Linux computer. Default deny: what is not plainly a card is never written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pyudev

from flasher.card.inspect import describe
from flasher.drives.model import Drive, DriveKind
from flasher.drives.usage import disk_below, use_of
from flasher.errors import BadInput, FlasherError
from flasher.image.blocks import FileBlocks

LARGEST = 2 * 10**12
_SECTOR = 512
# Not drives that one holds in one's hand: memory, optical, mapped, and the boot areas of eMMC.
_NO_DRIVES = ("ram", "zram", "sr", "fd", "dm-", "md", "loop", "nbd")
_SYS_BLOCK = Path("/sys/class/block")


class LinuxCatalog:
    """The drives that udev knows; loop devices only when they are named."""

    def drives(self) -> tuple[Drive, ...]:
        """All disks with something in them, sorted by path."""
        context = pyudev.Context()
        found = context.list_devices(subsystem="block", DEVTYPE="disk")
        drives = (_drive(device) for device in found if _is_drive(device.sys_name))
        return tuple(sorted((d for d in drives if d.size), key=lambda drive: drive.path))

    def find(self, argument: str) -> Drive:
        """The drive behind a device node or a link to one.

        Raises:
            BadInput: there is none, or it is only a part of one.
        """
        path = Path(argument).resolve()
        name = _kernel_name(path)
        if (_SYS_BLOCK / name / "partition").exists():
            whole = (_SYS_BLOCK / name).resolve().parent.name
            what = f"{path} is a partition, not a whole drive."
            raise BadInput("is-partition", what, f"Name the drive: /dev/{whole}.")
        device = pyudev.Devices.from_name(pyudev.Context(), "block", name)
        return _drive(device)


def _kernel_name(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        found = None
    if found is None or not stat.S_ISBLK(found.st_mode):
        what = f"There is no drive {path}."
        raise BadInput("no-such-drive", what, "`flasher drives` lists those that are there.")
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return Path("/sys/dev/block", number).resolve().name


def _is_drive(name: str) -> bool:
    return not name.startswith(_NO_DRIVES) and "boot" not in name and "rpmb" not in name


def _drive(device: pyudev.Device) -> Drive:
    name: str = device.sys_name
    folder = (_SYS_BLOCK / name).resolve()
    path = Path("/dev", name)
    kind = _kind(name, folder)
    size = int(_read(folder / "size") or 0) * _SECTOR
    read_only = _read(folder / "ro") == "1"
    use = use_of(name)
    return Drive(
        path=path,
        size=size,
        kind=kind,
        vendor=_property(device, "ID_VENDOR").replace("_", " ") or _read(folder / "device/vendor"),
        model=_property(device, "ID_MODEL").replace("_", " ") or _read(folder / "device/model"),
        serial=_property(device, "ID_SERIAL_SHORT") or _read(folder / "device/serial"),
        removable=_read(folder / "removable") == "1",
        read_only=read_only,
        holds=_holds(path) if size else "no card",
        refusal=_refusal(name, kind, size, folder, use.refusal),
        identity=_identity(folder),
        mounted=tuple(mount.place for mount in use.mounts),
    )


def _identity(folder: Path) -> str:
    """Device number and the kernel's sequence number, which every change of card raises."""
    return f"{_read(folder / 'dev')}#{_read(folder / 'diskseq')}"


def _kind(name: str, folder: Path) -> DriveKind:
    """How a disk is connected, by its name and its place in the tree of devices."""
    places = folder.parts
    if name.startswith("loop"):
        return "loop"
    if name.startswith("mmcblk"):
        return "mmc"
    if name.startswith("nvme"):
        return "nvme"
    if any(part.startswith("usb") for part in places):
        return "usb"
    return "ata" if any(part.startswith("ata") for part in places) else "other"


def _refusal(name: str, kind: DriveKind, size: int, folder: Path, in_use: str | None) -> str | None:
    """Why a drive may never be written; None where it may."""
    if kind not in ("usb", "mmc", "loop"):
        return in_use or f"it is no card in a card reader ({_CONNECTED[kind]})"
    if _is_built_in(kind, folder):
        return "it is memory built into this computer (eMMC)"
    if not size:
        return "there is no card in it"
    if size > LARGEST:
        return f"it is larger than any card ({size // 10**9} GB)"
    return in_use or _refusal_below(name)


def _refusal_below(name: str) -> str | None:
    """Why that may never be written which a loop device stands on; None where it may."""
    below = disk_below(name)
    if below is None:
        return None
    folder = (_SYS_BLOCK / below).resolve()
    kind = _kind(below, folder)
    if kind in _CONNECTED or _is_built_in(kind, folder):
        what = _CONNECTED.get(kind, "eMMC")
        return f"it stands on /dev/{below}, which is no card in a card reader ({what})"
    return _refusal_below(below)


def _is_built_in(kind: DriveKind, folder: Path) -> bool:
    return kind == "mmc" and _read(folder / "device/type") == "MMC"


_CONNECTED: dict[DriveKind, str] = {
    "nvme": "NVMe disk",
    "ata": "internal disk",
    "other": "disk of this computer",
}


def _holds(path: Path) -> str:
    try:
        with FileBlocks(path) as blocks:
            return describe(blocks)
    except FlasherError:
        return "unknown: it cannot be read"


def _property(device: pyudev.Device, key: str) -> str:
    value = device.properties.get(key)
    return _plain(str(value)) if value else ""


def _read(path: Path) -> str:
    try:
        return _plain(path.read_text(errors="replace"))
    except OSError:
        return ""


def _plain(text: str) -> str:
    """Printable text only: a drive's name must not rearrange a screen."""
    return "".join(c for c in text if c.isprintable()).strip()
