"""FAT16 and FAT32 volumes, read and edited without mounting them.

Editing is whole-file only: create, replace, remove. Each edit happens in a draft and is carried
over when it is complete, so a full or damaged volume is left as it was. What an edit frees is
overwritten with zeros: no secret stays behind. Same edits, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from flasher.errors import BadInput, FlasherError
from flasher.image import fat_directory as directory
from flasher.image.blocks import Blocks, Overlay, WritableBlocks
from flasher.image.fat_boot import damaged, read_geometry
from flasher.image.fat_directory import Entry
from flasher.image.fat_table import FatTable

_ROOT = 0
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
        label = directory.read_label(self._load(_ROOT)) or self._geometry.label
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
        for first, count in _runs(chain):
            offset = self._geometry.cluster_offset(first)
            parts.append(self._blocks.read(offset, count * self._geometry.cluster_size))
        return b"".join(parts)

    def _load(self, folder: int) -> bytes:
        """The bytes of the folder that starts at a cluster; `_ROOT` is the root folder."""
        if folder == _ROOT and self._geometry.root_size:
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
        """First cluster of a folder, `_ROOT` for the root."""
        if not path:
            return _ROOT
        entry = self._get(path)
        if not entry.is_folder:
            raise BadInput("not-a-folder", f"{path} is a file, not a folder.", "Name a folder.")
        return _inside(entry)

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
        return directory.find(self._load(_inside(above) if above else _ROOT), name)

    def _walk(self, folder: int, path: str, seen: set[int]) -> Iterator[tuple[str, Entry]]:
        if folder in seen or path.count("/") > _DEEPEST:
            raise damaged(f"the folder {path} contains itself, or is in two places")
        seen.add(folder)
        for entry in directory.read_entries(self._load(folder)):
            name = f"{path}/{entry.name}" if path else entry.name
            yield name, entry
            if entry.is_folder:
                yield from self._walk(_inside(entry), name, seen)


class WritableFatVolume(FatVolume):
    """A FAT16 or FAT32 volume to edit.

    Args:
        blocks: what holds the volume; usually an `Overlay`, whose changes are then the patch.
        offset: where the volume starts in it, in bytes.
    """

    _blocks: WritableBlocks

    def __init__(self, blocks: WritableBlocks, offset: int = 0) -> None:
        super().__init__(blocks, offset)

    def make_folder(self, path: str, *, modified: datetime) -> None:
        """Make a folder and those above it; one that is there already is left alone."""
        with self._edit():
            self._make_folders(path, modified)

    def write(self, path: str, data: bytes, *, modified: datetime) -> None:
        """Create a file, or replace the whole of one, keeping its name; missing folders are made.

        Raises:
            BadInput: ``fat-name``, ``is-folder``, ``not-a-folder``.
            FlasherError: ``volume-full``, ``folder-full``, ``fat-damaged``; nothing has changed.
        """
        parent, _, name = path.rpartition("/")
        with self._edit():
            folder = self._make_folders(parent, modified)
            old = directory.find(self._load(folder), name)
            if old and old.is_folder:
                raise BadInput("is-folder", f"{path} is a folder.", "Give the file another name.")
            first = self._store_data(data)
            if old:
                rows = directory.change(self._load(folder), old, first, len(data), modified)
                self._store_folder(folder, rows)
                self._release(old.cluster)
            else:
                self._add(folder, name, first, len(data), directory.ARCHIVE, modified)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it. Raises BadInput where it is not."""
        parent = self._folder(path.rpartition("/")[0])
        entry = self._get(path)
        with self._edit():
            self._store_folder(parent, directory.strike(self._load(parent), entry))
            if entry.is_folder:
                below = [found.cluster for _, found in self._walk(_inside(entry), path, set())]
                for cluster in below:
                    self._release(cluster)
            self._release(entry.cluster)

    @contextmanager
    def _edit(self) -> Iterator[None]:
        """Work in a draft; carry it over if all went well, else leave no trace."""
        target, table = self._blocks, self._table
        draft = Overlay(target)
        self._blocks, self._table = draft, table.copy()
        try:
            yield
            self._table.flush(draft)
        except BaseException:
            self._table = table
            raise
        finally:
            self._blocks = target
        for extent in draft.changes():
            target.write(extent.offset, extent.data)

    def _make_folders(self, path: str, modified: datetime) -> int:
        folder, done = _ROOT, ""
        for part in path.split("/") if path else ():
            done = f"{done}/{part}" if done else part
            entry = directory.find(self._load(folder), part)
            if entry and not entry.is_folder:
                raise BadInput("not-a-folder", f"{done} is a file, not a folder.", "Rename one.")
            folder = _inside(entry) if entry else self._new_folder(folder, part, modified)
        return folder

    def _new_folder(self, parent: int, name: str, modified: datetime) -> int:
        (cluster,) = self._table.allocate(1)
        rows = directory.new_folder(cluster, parent, modified)
        self._write_chain([cluster], rows)
        self._add(parent, name, cluster, 0, directory.FOLDER, modified)
        return cluster

    def _add(
        self, folder: int, name: str, cluster: int, size: int, attributes: int, modified: datetime
    ) -> None:
        slot = directory.new_slot(cluster, size, attributes, modified)
        self._store_folder(folder, directory.add(self._load(folder), name, slot))

    def _store_folder(self, folder: int, rows: bytes) -> None:
        if folder == _ROOT and self._geometry.root_size:
            if len(rows) > self._geometry.root_size:
                what = "The root folder of the boot partition is full."
                raise FlasherError("folder-full", what, "Put the files into folders.")
            self._blocks.write(self._geometry.root_offset, rows)
            return
        chain = self._folder_chain(folder)
        missing = self._clusters(len(rows)) - len(chain)
        self._write_chain(chain + self._table.extend(chain, max(missing, 0)), rows)

    def _store_data(self, data: bytes) -> int:
        chain = self._table.allocate(self._clusters(len(data)))
        self._write_chain(chain, data)
        return chain[0] if chain else 0

    def _clusters(self, size: int) -> int:
        return -(-size // self._geometry.cluster_size)

    def _write_chain(self, chain: list[int], data: bytes) -> None:
        """Fill a chain with data and, to its end, zeros."""
        size = self._geometry.cluster_size
        done = 0
        for first, count in _runs(chain):
            part = data[done : done + count * size]
            self._blocks.write(
                self._geometry.cluster_offset(first), part.ljust(count * size, b"\0")
            )
            done += count * size

    def _release(self, first: int) -> None:
        chain = self._table.chain(first)
        self._write_chain(chain, b"")
        self._table.release(chain)


def _inside(entry: Entry) -> int:
    """First cluster of a folder other than the root."""
    if entry.cluster == _ROOT:
        raise damaged(f"the folder {entry.name} has no contents, not even itself")
    return entry.cluster


def _stat(entry: Entry) -> Stat:
    return Stat(entry.name, entry.is_folder, entry.slot.size, entry.modified)


def _runs(chain: list[int]) -> Iterator[tuple[int, int]]:
    """A chain as runs of neighbours: (first cluster, how many)."""
    start = 0
    for index in range(1, len(chain) + 1):
        if index == len(chain) or chain[index] != chain[index - 1] + 1:
            yield chain[start], index - start
            start = index
