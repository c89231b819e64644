"""exFAT volumes, as cameras make them: their files' names and sizes, read without mounting.

After Microsoft's "exFAT file system specification" (learn.microsoft.com), revision 1.00.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from flasher.errors import BadInput, FlasherError
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.structure import Structure, at

_NAME = b"EXFAT   "
_ENTRY = 32
# Types of entries in a folder; those without the highest bit are not in use.
_END, _LABEL, _FILE, _STREAM, _FILE_NAME = 0x00, 0x83, 0x85, 0xC0, 0xC1
_IS_FOLDER, _NO_CHAIN = 0x10, 0x02
_DEEPEST = 60
_LARGEST_FOLDER = 256 << 20  # section 7.4: of bytes, in any folder


@dataclass(frozen=True, slots=True)
class _BootSector(Structure):
    fat_offset: int = at(80, "I")  # this and the next three in sectors, or clusters
    fat_length: int = at(84, "I")
    heap_offset: int = at(88, "I")
    cluster_count: int = at(92, "I")
    root_cluster: int = at(96, "I")
    serial: int = at(100, "I")
    revision: int = at(104, "H")
    flags: int = at(106, "H")
    sector_shift: int = at(108, "B")  # powers of 2: bytes in a sector, sectors in a cluster
    cluster_shift: int = at(109, "B")


@dataclass(frozen=True, slots=True)
class ExfatFile:
    """A file or folder: its path from the root, and its bytes."""

    path: str
    size: int
    is_folder: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something lies: its first cluster, its bytes; 0 where only the chain tells."""

    cluster: int
    size: int
    is_chained: bool


class ExfatVolume:
    """An exFAT volume to read.

    Args:
        blocks: what holds the volume.
        offset: where the volume starts in it, in bytes.

    Raises:
        BadInput: ``not-exfat``.
        FlasherError: ``exfat-damaged``.
    """

    def __init__(self, blocks: Blocks, offset: int = 0) -> None:
        self._blocks, self._offset = blocks, offset
        head = blocks.read(offset, SECTOR)
        if head[3:11] != _NAME:
            raise BadInput("not-exfat", "It is no exFAT volume.", "Name another one.")
        self._boot = boot = _BootSector.from_bytes(head)
        # Section 3.1.14 and 3.1.15: sectors of 512 bytes to 4 KiB, clusters of 32 MiB at most.
        if not 9 <= boot.sector_shift <= 12 or boot.sector_shift + boot.cluster_shift > 25:
            raise _damaged("its sectors or clusters have no possible size")
        self._cluster_size = 1 << (boot.sector_shift + boot.cluster_shift)
        self._root = _Place(boot.root_cluster, 0, is_chained=True)

    @property
    def label(self) -> str:
        """The volume's label; empty where it has none."""
        for entry in self._entries(self._root):
            if entry[0] == _LABEL:
                return entry[2 : 2 + 2 * min(entry[1], 11)].decode("utf-16-le", "replace")
        return ""

    def walk(self) -> Iterator[ExfatFile]:
        """All files and folders, each folder before what is in it."""
        yield from self._walk(self._root, "", set())

    def _walk(self, folder: _Place, path: str, seen: set[int]) -> Iterator[ExfatFile]:
        if folder.cluster in seen or path.count("/") > _DEEPEST:
            raise _damaged(f"the folder {path} contains itself, or is in two places")
        seen.add(folder.cluster)
        for found, place in self._files(folder, path):
            yield found
            if found.is_folder and place.cluster:
                yield from self._walk(place, f"{found.path}/", seen)

    def _files(self, folder: _Place, path: str) -> Iterator[tuple[ExfatFile, _Place]]:
        """A file is a set of entries: itself, where its stream lies, and parts of its name."""
        is_folder, length, name, place = False, 0, b"", None
        for entry in self._entries(folder):
            kind = entry[0]
            if kind == _FILE:
                is_folder, name, place = bool(entry[4] & _IS_FOLDER), b"", None
            elif kind == _STREAM:
                cluster, size = struct.unpack_from("<IQ", entry, 20)
                place = _Place(cluster, size, is_chained=not entry[1] & _NO_CHAIN)
                length = 2 * entry[3]
            elif kind == _FILE_NAME and place is not None:
                name += entry[2:]
                if len(name) >= length:
                    told = name[:length].decode("utf-16-le", "replace")
                    size = 0 if is_folder else place.size
                    yield ExfatFile(f"{path}{told}", size, is_folder), place
                    place = None

    def _entries(self, place: _Place) -> Iterator[bytes]:
        for cluster in self._clusters(place):
            data = self._blocks.read(self._at(cluster), self._cluster_size)
            for start in range(0, len(data), _ENTRY):
                if data[start] == _END:
                    return
                yield data[start : start + _ENTRY]

    def _clusters(self, place: _Place) -> Iterator[int]:
        most = _LARGEST_FOLDER // self._cluster_size + 1
        if not place.is_chained:
            count = -(-place.size // self._cluster_size)
            yield from range(place.cluster, place.cluster + min(count, most))
            return
        cluster = place.cluster
        for _ in range(most):
            yield cluster
            cluster = self._following(cluster)
            if not 2 <= cluster < self._boot.cluster_count + 2:
                return  # the end of the chain, or of what makes sense
        raise _damaged("a folder is larger than any can be")

    def _following(self, cluster: int) -> int:
        table = self._offset + (self._boot.fat_offset << self._boot.sector_shift)
        return int.from_bytes(self._blocks.read(table + 4 * cluster, 4), "little")

    def _at(self, cluster: int) -> int:
        if not 2 <= cluster < self._boot.cluster_count + 2:
            raise _damaged(f"there is no cluster {cluster}")
        heap = self._boot.heap_offset << self._boot.sector_shift
        return self._offset + heap + (cluster - 2) * self._cluster_size


def _damaged(what: str) -> FlasherError:
    return FlasherError("exfat-damaged", f"The exFAT volume is damaged: {what}.", "Format it anew.")
