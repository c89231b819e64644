"""What would be lost on a card: its files, named, as far as a short look tells."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from heapq import nlargest

from flasher.drives.boot_files import is_systems
from flasher.drives.contents import file_system_on
from flasher.drives.model import Drive, DrivePartition
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.image.blocks import Blocks
from flasher.image.exfat import ExfatVolume
from flasher.image.fat import FatVolume

# What a look may take: seconds, bytes read (the table of a FAT is kept in memory), and files.
_SECONDS, _BYTES, _FILES = 2.0, 16 << 20, 20_000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file: its path from the volume's root, and its bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class LostFiles:
    """The files of one volume.

    Attributes:
        holds: its file system, such as ``FAT32``; its type where that cannot be told.
        label: empty where it has none.
        count, size: files, and bytes in them; 0 where it cannot be looked into.
        largest: a few of them, largest first.
        is_all: whether every file was counted; the look is bounded.
        is_known: whether it could be looked into at all.
    """

    holds: str
    label: str = ""
    count: int = 0
    size: int = 0
    largest: tuple[LostFile, ...] = ()
    is_all: bool = True
    is_known: bool = False


def lost_on(drive: Drive, *, seconds: float = _SECONDS) -> tuple[LostFiles, ...]:
    """What is on a card, volume by volume; none on a blank one, and none where it cannot be read.

    Of a card of ours only what others put there, or may have: not its system, not its payload.

    Args:
        drive: as the catalog listed it.
        seconds: after which the look ends.
    """
    found: list[LostFiles] = []
    with suppress(FlasherError, OSError), drive_blocks(drive.path, ask=False) as blocks:
        until = time.monotonic() + seconds
        for volume in _volumes(drive, blocks):
            found.append(_look(_Bounded(blocks, until), volume, is_ours=bool(drive.node)))
    return tuple(volume for volume in found if not drive.node or _may_hold_more(volume))


def _may_hold_more(volume: LostFiles) -> bool:
    """Whether a volume of a card of ours may hold files that are somebody's."""
    return not volume.holds.startswith("ext") and (volume.count > 0 or not volume.is_all)


def _volumes(drive: Drive, blocks: Blocks) -> Iterable[DrivePartition]:
    """The partitions; or the only volume of a card that has none."""
    if whole := file_system_on(blocks):
        return (DrivePartition(0, 0, drive.size, whole),)
    return drive.partitions


def _look(blocks: _Bounded, volume: DrivePartition, *, is_ours: bool) -> LostFiles:
    found = LostFiles(volume.holds, volume.label)
    files: list[LostFile] = []
    is_all = False
    with suppress(FlasherError):  # damaged, or enough
        if volume.holds == "exFAT":
            exfat = ExfatVolume(blocks, volume.offset)
            found = replace(found, label=found.label or _plain(exfat.label), is_known=True)
            is_all = _take(((f.path, f.is_folder, f.size) for f in exfat.walk()), files)
        elif volume.holds.startswith("FAT"):
            fat = FatVolume(blocks, volume.offset)
            found = replace(found, label=found.label or _plain(fat.label), is_known=True)
            walked = (
                (path, stat.is_folder, stat.size)
                for path, stat in fat.walk()
                if not (is_ours and is_systems(path))
            )
            is_all = _take(walked, files)
    return replace(
        found,
        count=len(files),
        size=sum(file.size for file in files),
        largest=tuple(nlargest(_NAMED, files, key=lambda file: file.size)),
        is_all=is_all,
    )


def _take(walked: Iterator[tuple[str, bool, int]], files: list[LostFile]) -> bool:
    """Add what is walked to `files`; whether that was all."""
    for path, is_folder, size in walked:
        if len(files) >= _FILES:
            return False
        if not is_folder:
            files.append(LostFile(_plain(path), size))
    return True


def _plain(path: str) -> str:
    """Printable characters only: a name must not rearrange a screen."""
    return "".join(c if c.isprintable() else "?" for c in path)


class _Bounded:
    """Blocks that may be read for a while, and so much of them only."""

    def __init__(self, blocks: Blocks, until: float) -> None:
        self._blocks, self._until, self._left = blocks, until, _BYTES

    @property
    def size(self) -> int:
        """Bytes they hold."""
        return self._blocks.size

    def read(self, offset: int, length: int) -> bytes:
        """As of all blocks; raises FlasherError ``enough`` once it was."""
        self._left -= length
        if self._left < 0 or time.monotonic() > self._until:
            raise FlasherError("enough", "It would take too long.", "Look at the card elsewhere.")
        return self._blocks.read(offset, length)
