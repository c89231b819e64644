"""FAT16 and FAT32 volumes, read without mounting them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flasher.errors import BadInput
from flasher.image import fat_directory as directory
from flasher.image.blocks import Blocks
from flasher.image.fat_boot import damaged, read_geometry
from flasher.image.fat_slots import Entry
from flasher.image.fat_table import FatTable

ROOT = 0
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Stat:
    """A file or folder: its name as it stands in its folder, bytes, and time (UTC, 2 s steps)."""

    name: str
    is_folder: bool
    size: int
    modified: datetime


class FatVolume:
    """A FAT16 or FAT32 volume to read.

    Paths have no leading slash, parts are separated by ``/``, and cases do not count; ``""`` is the
    root folder.

    Args:
        blocks: what holds the volume.
        offset: where the volume starts in it, in bytes.

    Raises:
        BadInput: ``not-fat``, with what it is instead.
        FlasherError: ``fat-damaged``.
    """

    def __init__(self, blocks: Blocks, offset: int = 0) -> None:
        self._blocks = blocks
        self._geometry = read_geometry(blocks, offset)
        self._table = FatTable(blocks, self._geometry)

    @property
    def kind(self) -> str:
        """``FAT16`` or ``FAT32``."""
        return self._geometry.kind

    @property
    def cluster_size(self) -> int:
        """Bytes in which room is taken."""
        return self._geometry.cluster_size

    @property
    def free_bytes(self) -> int:
        """Bytes in clusters that are free, counted in the table itself."""
        return self._table.free_count * self._geometry.cluster_size

    @property
    def label(self) -> str:
        """The volume's label, such as ``bootfs``; empty where it has none."""
        label = directory.read_label(self._load(ROOT)) or self._geometry.label
        return "" if label == "NO NAME" else label

    def listdir(self, path: str = "") -> tuple[str, ...]:
        """Names in a folder, in the order they stand there."""
        return tuple(entry.name for entry in self._entries(path))

    def walk(self, path: str = "") -> Iterator[tuple[str, Stat]]:
        """Everything below a folder, as paths from the root, each folder before what is in it."""
        for name, entry in self._walk(self._folder(path), path, set()):
            yield name, _stat(entry)

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return not path or self._find(path) is not None

    def stat(self, path: str) -> Stat:
        """What is known of a file or folder. Raises BadInput where there is none."""
        return _stat(self._get(path))

    def read(self, path: str) -> bytes:
        """A whole file.

        Raises:
            BadInput: there is no such file.
            FlasherError: ``fat-damaged``.
        """
        entry = self._get(path)
        if entry.is_folder:
            raise BadInput("is-folder", f"{path} is a folder.", "Name a file.")
        data = self._read_chain(self._table.chain(entry.cluster))
        if len(data) < entry.slot.size:
            raise damaged(f"{path} ends after {len(data)} of {entry.slot.size} bytes")
        return data[: entry.slot.size]

    def _read_chain(self, chain: list[int]) -> bytes:
        parts = []
        for first, count in runs(chain):
            offset = self._geometry.cluster_offset(first)
            parts.append(self._blocks.read(offset, count * self._geometry.cluster_size))
        return b"".join(parts)

    def _load(self, folder: int) -> bytes:
        """The bytes of the folder that starts at a cluster; `ROOT` is the root folder."""
        if folder == ROOT and self._geometry.root_size:
            return self._blocks.read(self._geometry.root_offset, self._geometry.root_size)
        chain = self._folder_chain(folder)
        if len(chain) * self._geometry.cluster_size > directory.LARGEST_FOLDER:
            raise damaged("a folder is larger than any can be")
        return self._read_chain(chain)

    def _folder_chain(self, folder: int) -> list[int]:
        chain = self._table.chain(folder or self._geometry.root_cluster)
        if not chain:
            raise damaged("a folder has no contents, not even itself")
        return chain

    def _entries(self, path: str) -> tuple[Entry, ...]:
        return directory.read_entries(self._load(self._folder(path)))

    def _folder(self, path: str) -> int:
        """First cluster of a folder, `ROOT` for the root."""
        if not path:
            return ROOT
        entry = self._get(path)
        if not entry.is_folder:
            raise BadInput("not-a-folder", f"{path} is a file, not a folder.", "Name a folder.")
        return inside(entry)

    def _get(self, path: str) -> Entry:
        entry = self._find(path)
        if entry is None:
            what = f"There is no {path or 'entry for the root'} on the boot partition."
            raise BadInput("no-such-file", what, "Check the name.")
        return entry

    def _find(self, path: str) -> Entry | None:
        parent, _, name = path.rpartition("/")
        above = self._find(parent) if parent else None
        if parent and (above is None or not above.is_folder):
            return None
        return directory.find(self._load(inside(above) if above else ROOT), name)

    def _walk(self, folder: int, path: str, seen: set[int]) -> Iterator[tuple[str, Entry]]:
        if folder in seen or path.count("/") > _DEEPEST:
            raise damaged(f"the folder {path} contains itself, or is in two places")
        seen.add(folder)
        for entry in directory.read_entries(self._load(folder)):
            name = f"{path}/{entry.name}" if path else entry.name
            yield name, entry
            if entry.is_folder:
                yield from self._walk(inside(entry), name, seen)


def inside(entry: Entry) -> int:
    """First cluster of a folder other than the root."""
    if entry.cluster == ROOT:
        raise damaged(f"the folder {entry.name} has no contents, not even itself")
    return entry.cluster


def _stat(entry: Entry) -> Stat:
    return Stat(entry.name, entry.is_folder, entry.slot.size, entry.modified)


def runs(chain: list[int]) -> Iterator[tuple[int, int]]:
    """A chain as runs of neighbours: (first cluster, how many)."""
    start = 0
    for index in range(1, len(chain) + 1):
        if index == len(chain) or chain[index] != chain[index - 1] + 1:
            yield chain[start], index - start
            start = index
