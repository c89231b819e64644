"""The drives of a Linux computer. Default deny: what is not plainly a card is never written."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pyudev

from flasher.drives.contents import Contents, Extent, look_at
from flasher.drives.facts import SECTOR, is_drive, plain, read_facts
from flasher.drives.model import Drive
from flasher.drives.protect import Protection, read_protected, why_protected
from flasher.drives.tables import KERNEL, KernelTables, read_text
from flasher.drives.usage import disk_below, use_of
from flasher.drives.verdict import judge
from flasher.errors import BadInput


class LinuxCatalog:
    """The drives that udev knows; loop devices only when they are named.

    Args:
        only: kernel names, such as ``loop7``: these drives and no others.
    """

    def __init__(self, only: frozenset[str] = frozenset()) -> None:
        self._only = only

    def drives(self) -> tuple[Drive, ...]:
        """All disks with something in them, sorted by path."""
        listed = read_protected()
        found = pyudev.Context().list_devices(subsystem="block", DEVTYPE="disk")
        drives = (_drive(device, listed) for device in found if self._counts(device.sys_name))
        return tuple(sorted((d for d in drives if d.size), key=lambda drive: drive.path))

    def find(self, argument: str) -> Drive:
        """The drive behind a device node or a link to one.

        Raises:
            BadInput: there is none, or it is only a part of one.
        """
        path = Path(argument).resolve()
        name = _kernel_name(path)
        if (KERNEL.sys / "class/block" / name / "partition").exists():
            whole = (KERNEL.sys / "class/block" / name).resolve().parent.name
            what = f"{path} is a partition, not a whole drive."
            raise BadInput("is-partition", what, f"Name the drive: /dev/{whole}.")
        device = pyudev.Devices.from_name(pyudev.Context(), "block", name)
        return _drive(device, read_protected())

    def _counts(self, name: str) -> bool:
        return name in self._only if self._only else is_drive(name)


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


def _drive(device: pyudev.Device, listed: tuple[Protection, ...]) -> Drive:
    properties = {str(key): str(value) for key, value in device.properties.items()}
    return describe_drive(str(device.sys_name), properties, listed)


def describe_drive(
    name: str,
    properties: Mapping[str, str],
    listed: tuple[Protection, ...],
    tables: KernelTables = KERNEL,
) -> Drive:
    """All that is known of a disk.

    Args:
        name: the kernel's, such as ``sda``.
        properties: what udev knows of it.
        listed: the protect list.
        tables: where the kernel tells.
    """
    folder = (tables.sys / "class/block" / name).resolve()
    facts = read_facts(folder, properties)
    use = use_of(name, tables)
    in_use = use.refusal or _why_below(name, tables)
    verdict = judge(facts, in_use, why_protected(facts.serial, facts.port, listed))
    path = tables.dev / name
    found = look_at(path, _partitions(folder)) if facts.size else Contents("no card")
    return Drive(
        path=path,
        size=facts.size,
        kind=facts.kind,
        vendor=facts.vendor,
        model=facts.model,
        serial=facts.serial,
        removable=facts.removable,
        read_only=facts.read_only,
        holds=found.holds,
        refusal=verdict.refusal,
        identity=facts.identity,
        mounted=tuple(plain(mount.place) for mount in use.mounts),
        caution=verdict.caution,
        port=facts.port,
        partitions=found.partitions,
        node=found.node,
        blank=found.blank,
        card_id=facts.card_id,
    )


def _why_below(name: str, tables: KernelTables) -> str | None:
    """Why that may never be written which a loop device stands on; None where it may."""
    below = disk_below(name, tables)
    if below is None:
        return None
    facts = read_facts((tables.sys / "class/block" / below).resolve(), {})
    verdict = judge(facts)
    why = verdict.refusal or verdict.caution
    return f"it stands on /dev/{below}: {why}" if why else _why_below(below, tables)


def _partitions(folder: Path) -> tuple[Extent, ...]:
    """The partitions that the kernel found on a disk, by number."""
    found = [_extent(number.parent) for number in folder.glob("*/partition")]
    return tuple(sorted(found, key=lambda extent: extent.number))


def _extent(folder: Path) -> Extent:
    number, start, sectors = (
        int(read_text(folder / name) or 0) for name in ("partition", "start", "size")
    )
    return Extent(number, start * SECTOR, sectors * SECTOR)
