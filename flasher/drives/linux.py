"""The drives of a Linux computer. Default deny: what is not plainly a card is never written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pyudev

from flasher.drives.contents import Contents, Extent, Lookers, Place, look_at
from flasher.drives.facts import SECTOR, is_drive, read_facts
from flasher.drives.model import Drive
from flasher.drives.protect import Protection, read_protected, why_protected
from flasher.drives.tables import KERNEL, KernelTables, plain, read_text
from flasher.drives.usage import disk_below, use_of
from flasher.drives.verdict import judge
from flasher.errors import BadInput


class LinuxCatalog:
    """The drives that udev knows; loop devices only when they are named.

    Args:
        only: kernel names, such as ``loop7``: these drives and no others.
        patience: seconds after which a drive that cannot be read is listed without its contents.
    """

    def __init__(self, only: frozenset[str] = frozenset(), patience: float = 10.0) -> None:
        self._only = only
        self._lookers = Lookers(patience)

    def drives(self) -> tuple[Drive, ...]:
        """All disks with something in them, sorted by path."""
        listed = read_protected()
        known = pyudev.Context().list_devices(subsystem="block", DEVTYPE="disk")
        found = [_known(device) for device in known if self._counts(device.sys_name)]
        looks = self._lookers.look_at_all(_place(name) for name, _ in found)
        drives = (describe_drive(*pair, listed, lambda at: looks.get(at.path)) for pair in found)
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
        return describe_drive(*_known(device), read_protected())

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


def _known(device: pyudev.Device) -> tuple[str, dict[str, str]]:
    """Name and properties of a device."""
    properties = {str(key): str(value) for key, value in device.properties.items()}
    return str(device.sys_name), properties


def _place(name: str, tables: KernelTables = KERNEL) -> Place:
    """Where a disk's contents are to be looked at."""
    folder = (tables.sys / "class/block" / name).resolve()
    extents = (_extent(number.parent) for number in folder.glob("*/partition"))
    is_empty = read_text(folder / "size") == "0"
    return Place(tables.dev / name, tuple(sorted(extents, key=lambda one: one.number)), is_empty)


def describe_drive(
    name: str,
    properties: Mapping[str, str],
    listed: tuple[Protection, ...],
    look: Callable[[Place], Contents | None] = look_at,
    tables: KernelTables = KERNEL,
) -> Drive:
    """All that is known of a disk.

    Args:
        name: the kernel's, such as ``sda``.
        properties: what udev knows of it.
        listed: the protect list.
        look: tells what is on it; None where that took too long.
        tables: where the kernel tells.
    """
    folder = (tables.sys / "class/block" / name).resolve()
    facts = read_facts(folder, properties)
    use = use_of(name, tables)
    in_use = use.refusal or _why_below(name, tables)
    verdict = judge(facts, in_use, why_protected(facts.serial, facts.port, listed))
    found = look(_place(name, tables)) or Contents("unknown: it does not answer")
    return Drive(
        path=tables.dev / name,
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


def _extent(folder: Path) -> Extent:
    number, start, sectors = (
        int(read_text(folder / name) or 0) for name in ("partition", "start", "size")
    )
    return Extent(number, start * SECTOR, sectors * SECTOR)
