"""FAT16 and FAT32 volumes, edited without mounting them.

Editing is whole-file only: create, replace, remove. Each edit happens in a draft and is carried
over when it is complete, so a full or damaged volume is left as it was. What an edit frees is
overwritten with zeros: no secret stays behind. Same edits, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flasher.errors import BadInput, FlasherError
from flasher.image import fat_directory as directory
from flasher.image.blocks import Overlay, WritableBlocks
from flasher.image.fat import ROOT, FatVolume, inside, runs
from flasher.image.fat_slots import ARCHIVE, FOLDER, new_slot


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
                self._add(folder, name, first, len(data), ARCHIVE, modified)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it. Raises BadInput where it is not."""
        parent = self._folder(path.rpartition("/")[0])
        entry = self._get(path)
        with self._edit():
            self._store_folder(parent, directory.strike(self._load(parent), entry))
            if entry.is_folder:
                below = [found.cluster for _, found in self._walk(inside(entry), path, set())]
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
        folder, done = ROOT, ""
        for part in path.split("/") if path else ():
            done = f"{done}/{part}" if done else part
            entry = directory.find(self._load(folder), part)
            if entry and not entry.is_folder:
                raise BadInput("not-a-folder", f"{done} is a file, not a folder.", "Rename one.")
            folder = inside(entry) if entry else self._new_folder(folder, part, modified)
        return folder

    def _new_folder(self, parent: int, name: str, modified: datetime) -> int:
        (cluster,) = self._table.allocate(1)
        rows = directory.new_folder(cluster, parent, modified)
        self._write_chain([cluster], rows)
        self._add(parent, name, cluster, 0, FOLDER, modified)
        return cluster

    def _add(
        self, folder: int, name: str, cluster: int, size: int, attributes: int, modified: datetime
    ) -> None:
        slot = new_slot(cluster, size, attributes, modified)
        self._store_folder(folder, directory.add(self._load(folder), name, slot))

    def _store_folder(self, folder: int, rows: bytes) -> None:
        if folder == ROOT and self._geometry.root_size:
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
        for first, count in runs(chain):
            part = data[done : done + count * size]
            self._blocks.write(
                self._geometry.cluster_offset(first), part.ljust(count * size, b"\0")
            )
            done += count * size

    def _release(self, first: int) -> None:
        chain = self._table.chain(first)
        self._write_chain(chain, b"")
        self._table.release(chain)
