"""Who uses a block device, through any chain: partitions, LVM, RAID, encryption, loops, mounts.

Reads the kernel's own tables (``/sys``, ``/proc``), whose formats are in Linux's Documentation/ABI
and proc(5). Changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flasher.drives.loops import Inode, Loop, inode_of, loops, number_of
from flasher.drives.tables import (
    KERNEL,
    KernelTables,
    Mount,
    children,
    is_below,
    mounts,
    plain,
    read_text,
    swaps,
)

# What a computer runs from or keeps its people's data in (Filesystem Hierarchy Standard 3.0), and
# where systems that run from a stick mount it. Cards are mounted at /media, /run/media or /mnt.
SYSTEM_PLACES = (
    *("/bin", "/boot", "/cdrom", "/dev", "/efi", "/etc", "/gnu", "/home", "/lib", "/nix", "/opt"),
    *("/proc", "/root", "/run/archiso", "/run/initramfs", "/run/live", "/sbin", "/snap", "/srv"),
    *("/sys", "/usr", "/var"),
)


@dataclass(frozen=True, slots=True)
class Use:
    """How a drive is used at this moment.

    Attributes:
        refusal: why it may not be written, as a phrase; None where it may.
        mounts: what must be unmounted before; those below before those upon them.
    """

    refusal: str | None = None
    mounts: tuple[Mount, ...] = ()


@dataclass(slots=True)
class _Reach:
    """All that stands on a disk: its devices, by number; what is mounted from them; loops."""

    devices: dict[str, Path] = field(default_factory=dict)
    mounts: dict[Mount, None] = field(default_factory=dict)
    loops: dict[Loop, None] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many have been found."""
        return len(self.devices) + len(self.mounts) + len(self.loops)


def use_of(name: str, tables: KernelTables = KERNEL, besides: frozenset[str] = frozenset()) -> Use:
    """How a disk, or what it stands on, is used.

    Args:
        name: the kernel's, such as ``sda``.
        tables: where the kernel tells.
        besides: loop devices that do not count.
    """
    own = _family(name, tables)
    reach = _reach(own, tables, besides)
    refusal = (
        _why_system(reach)
        or _why_swap(reach, tables)
        or _why_built_upon(own, reach, tables)
        or _why_below(name, tables, besides | {name})
    )
    seen = mounts(tables)
    return Use(refusal, () if refusal else tuple(one for one in seen if one in reach.mounts))


def why_file_in_use(path: Path, tables: KernelTables = KERNEL) -> str | None:
    """Why a regular file is in use: as a loop device or as swap; None where it is not."""
    return _why_inode_in_use(inode_of(path), tables, frozenset())


def holds_file(name: str, path: Path, tables: KernelTables = KERNEL) -> bool:
    """Whether a file lies on a disk, through any chain, or is what that disk stands on."""
    reach = _reach(_family(name, tables), tables, frozenset())
    below = [one.inode for one in loops(tables.sys, tables.dev) if one.name == name]
    found = inode_of(path)
    if found is None:
        return False
    device = f"{os.major(found[0])}:{os.minor(found[0])}"
    if found in below or number_of(path) in reach.devices or device in reach.devices:
        return True
    return _mount_of(str(path.resolve()), mounts(tables)) in reach.mounts


def disk_below(name: str, tables: KernelTables = KERNEL) -> str | None:
    """The whole disk that a loop device stands on; None for other disks, and on files."""
    numbers = [one.device for one in loops(tables.sys, tables.dev) if one.name == name]
    for folder in children(tables.sys / "class/block"):
        if read_text(folder / "dev") in numbers:
            found = folder.resolve()
            return found.parent.name if (found / "partition").exists() else found.name
    return None


def devices_of(name: str, tables: KernelTables = KERNEL) -> dict[str, Path]:
    """A disk, its partitions and all that is built upon them: sysfs folders by device number."""
    return _family(name, tables)


def is_system(place: str) -> bool:
    """Whether a computer lives from what is mounted there."""
    return place == "/" or any(is_below(place, system) for system in SYSTEM_PLACES)


def mounts_from(devices: Iterable[str], found: Iterable[Mount]) -> Iterator[Mount]:
    """Those of the mounts found that are of devices, by their numbers."""
    numbers = set(devices)
    for mount in found:
        if mount.device in numbers or _number_of(mount.source) in numbers:
            yield mount


def _reach(own: dict[str, Path], tables: KernelTables, besides: frozenset[str]) -> _Reach:
    """Follow the chains until they bring nothing new."""
    seen = _all_mounts(tables)
    attached = [one for one in loops(tables.sys, tables.dev) if one.name not in besides]
    reach, before = _Reach(dict(own)), -1
    while reach.size != before:
        before = reach.size
        volume = _numbers_of_btrfs(reach.devices, tables)
        reach.mounts |= dict.fromkeys(mounts_from({*reach.devices, *volume}, seen))
        reach.mounts |= dict.fromkeys(one for one in seen if _is_overlay_upon(one, reach, seen))
        for loop in attached:
            if loop.device in reach.devices or _lies_on(loop, reach, seen):
                reach.loops[loop] = None
                reach.devices |= _family(loop.name, tables)
    reach.mounts = {mount: None for mount in seen if mount in reach.mounts}
    return reach


def _all_mounts(tables: KernelTables) -> tuple[Mount, ...]:
    """Ours, and those of the first process where we live in a name space of our own."""
    return tuple(dict.fromkeys((*mounts(tables), *mounts(tables, "1"))))


def _why_system(reach: _Reach) -> str | None:
    place = next((mount.place for mount in reach.mounts if is_system(mount.place)), None)
    return f"it holds {plain(place)} of this computer" if place else None


def _why_swap(reach: _Reach, tables: KernelTables) -> str | None:
    seen = _all_mounts(tables)
    for source in swaps(tables):
        if _number_of(source) in reach.devices or _mount_of(source, seen) in reach.mounts:
            return f"it is in use: {plain(source)} is swap space"
    return None


def _why_built_upon(own: dict[str, Path], reach: _Reach, tables: KernelTables) -> str | None:
    """What is made of a disk's devices, mounted or not."""
    for folder in sorted(own.values()):
        for holder in children(folder / "holders"):
            return f"it is in use: {folder.name} is a part of {_dm_name(holder)}"
    for loop in reach.loops:
        return f"it is in use: {'as ' if loop.device else 'a file on it is '}/dev/{loop.name}"
    for mount in reach.mounts:
        if mount.kind == "overlay":
            return f"it is in use: {plain(mount.place)} is built upon it"
    others = set(_numbers_of_btrfs(own, tables)) - own.keys()
    unseen = _names_in_btrfs(own, tables) and not reach.mounts
    return "it is in use: a part of a mounted btrfs volume" if others or unseen else None


def _why_below(name: str, tables: KernelTables, besides: frozenset[str]) -> str | None:
    """Why that is in use which a loop device stands on; None for other disks."""
    disk = disk_below(name, tables)
    if disk is not None:
        use = use_of(disk, tables, besides)
        mounted = f"it is in use: mounted at {plain(use.mounts[0].place)}" if use.mounts else None
        on_disk = use.refusal or mounted
        return f"it stands on /dev/{disk}: {on_disk}" if on_disk else None
    inodes = [one.inode for one in loops(tables.sys, tables.dev) if one.name == name]
    on_file = _why_inode_in_use(inodes[0], tables, besides) if inodes else None
    return f"it stands on a file: {on_file}" if on_file else None


def _why_inode_in_use(
    inode: Inode | None, tables: KernelTables, besides: frozenset[str]
) -> str | None:
    if inode is None:
        return None
    for loop in loops(tables.sys, tables.dev):
        if loop.inode == inode and loop.name not in besides:
            return f"it is in use: as /dev/{loop.name}"
    if inode in [inode_of(source) for source in swaps(tables)]:
        return "it is in use: as swap space"
    return None


def _family(name: str, tables: KernelTables) -> dict[str, Path]:
    """A disk, its partitions, and all that is built upon them: sysfs folders by device number."""
    block = tables.sys / "class/block"
    waiting, found = [(block / name).resolve()], dict[str, Path]()
    while waiting:
        folder = waiting.pop()
        number = read_text(folder / "dev")
        if number and number not in found:
            found[number] = folder
            waiting += [part.parent for part in folder.glob("*/partition")]
            waiting += [holder.resolve() for holder in children(folder / "holders")]
    return found


def _lies_on(loop: Loop, reach: _Reach, seen: Iterable[Mount]) -> bool:
    """Whether the file behind a loop device lies on one of the file systems reached."""
    if loop.device:
        return False
    number = f"{os.major(loop.inode[0])}:{os.minor(loop.inode[0])}" if loop.inode else ""
    return number in reach.devices or _mount_of(loop.path, seen) in reach.mounts


def _mount_of(path: str, seen: Iterable[Mount]) -> Mount | None:
    """The mount that a path lies on: the deepest, and the last of those at one place."""
    found: Mount | None = None
    for mount in seen:
        if is_below(path, mount.place) and len(mount.place) >= len(found.place if found else ""):
            found = mount
    return found


def _is_overlay_upon(mount: Mount, reach: _Reach, seen: Iterable[Mount]) -> bool:
    """Whether an overlay has one of its layers on a file system reached."""
    if mount.kind != "overlay":
        return False
    named = dict(option.partition("=")[::2] for option in mount.options.split(","))
    layers = [named.get(key, "") for key in ("upperdir", "workdir")]
    layers += named.get("lowerdir", "").split(":")
    return any(layer and _mount_of(layer, seen) in reach.mounts for layer in layers)


def _names_in_btrfs(devices: dict[str, Path], tables: KernelTables) -> list[Path]:
    """The folders of the btrfs volumes that have one of the devices, as sysfs shows them."""
    names = {folder.name for folder in devices.values()}
    volumes = sorted((tables.sys / "fs/btrfs").glob("*/devices"))
    return [volume for volume in volumes if names & {child.name for child in children(volume)}]


def _numbers_of_btrfs(devices: dict[str, Path], tables: KernelTables) -> list[str]:
    """The numbers of all devices of those volumes."""
    volumes = _names_in_btrfs(devices, tables)
    return [read_text(child / "dev") for volume in volumes for child in children(volume)]


def _dm_name(holder: Path) -> str:
    """What a holder is called: the name that LVM or cryptsetup gave it, else the kernel's."""
    return read_text(holder.resolve() / "dm/name") or holder.name


def _number_of(source: str) -> str | None:
    """Device number of a device node; None where `source` is something else."""
    return number_of(source) if source.startswith("/") else None
