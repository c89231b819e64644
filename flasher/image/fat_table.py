"""The file allocation table: which clusters follow which, and which are free.

After Microsoft's "FAT32 File System Specification" 1.03, chapter "FAT Data Structure".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

from flasher.errors import FlasherError
from flasher.image.blocks import SECTOR, Blocks, WritableBlocks
from flasher.image.fat_boot import (
    FSINFO_LEAD,
    FSINFO_STRUCTURE,
    FSINFO_TRAIL,
    Geometry,
    InfoSector,
    damaged,
)

# The upper 4 bits of FAT32's entries belong to nobody and are kept.
_MASK = {"FAT16": 0xFFFF, "FAT32": 0x0FFF_FFFF}
_FORM = {"FAT16": "H", "FAT32": "I"}
_FREE = 0


class FatTable:
    """One volume's table in memory; `flush` writes what changed to every copy.

    Args:
        blocks: what to read it from, whole, at once.
        geometry: of the volume.
    """

    def __init__(self, blocks: Blocks, geometry: Geometry) -> None:
        self._geometry = geometry
        self._form = _FORM[geometry.kind]
        self._mask = _MASK[geometry.kind]
        self._limit = geometry.cluster_count + 2
        width = struct.calcsize(self._form)
        raw = blocks.read(geometry.fat_offsets[0], self._limit * width)
        self._next = [n & self._mask for n in struct.unpack(f"<{self._limit}{self._form}", raw)]
        self._changed: set[int] = set()
        self._last_allocated = 1

    def copy(self) -> FatTable:
        """A table of its own with the same entries."""
        twin = object.__new__(FatTable)
        twin.__dict__.update(self.__dict__)
        twin._next, twin._changed = self._next.copy(), self._changed.copy()
        return twin

    @property
    def free_count(self) -> int:
        """Clusters that are free."""
        return self._next[2:].count(_FREE)

    def chain(self, first: int) -> list[int]:
        """The clusters from `first` to the end of its chain; none for 0, an empty file.

        Raises:
            FlasherError: ``fat-damaged`` for circles and for clusters that are free or not there.
        """
        found: list[int] = []
        cluster = first or self._mask
        while cluster < self._end_mark:
            if not 2 <= cluster < self._limit or self._next[cluster] == _FREE:
                raise damaged(f"the chain of clusters from {first} leads to {cluster}")
            if len(found) >= self._geometry.cluster_count:
                raise damaged(f"the chain of clusters from {first} runs in a circle")
            found.append(cluster)
            cluster = self._next[cluster]
        return found

    @property
    def _end_mark(self) -> int:
        """Entries from here on end a chain (one below marks a bad cluster)."""
        return self._mask - 7

    def allocate(self, count: int) -> list[int]:
        """Take the lowest `count` free clusters as a chain of their own.

        Raises:
            FlasherError: ``volume-full``; nothing is taken.
        """
        if count > self.free_count:
            raise FlasherError(
                "volume-full",
                f"The boot partition is full: {self.free_count * self._geometry.cluster_size} "
                f"bytes are free, {count * self._geometry.cluster_size} are needed.",
                "Leave out files, or build the image with a larger boot partition.",
            )
        taken: list[int] = []
        cluster = 1
        for _ in range(count):
            cluster = self._next.index(_FREE, cluster + 1)
            taken.append(cluster)
        self._link(taken)
        return taken

    def extend(self, chain: Sequence[int], count: int) -> list[int]:
        """Append `count` clusters to a chain; returns the new ones."""
        more = self.allocate(count)
        if more:
            self._set(chain[-1], more[0])
        return more

    def release(self, chain: Sequence[int]) -> None:
        """Make the clusters free."""
        for cluster in chain:
            self._set(cluster, _FREE)

    def _link(self, chain: Sequence[int]) -> None:
        for cluster, following in pairwise([*chain, self._mask]):
            self._set(cluster, following)
            self._last_allocated = cluster

    def _set(self, cluster: int, value: int) -> None:
        self._next[cluster] = value
        self._changed.add(cluster)

    def flush(self, blocks: WritableBlocks) -> None:
        """Write the changed sectors of every copy, and FAT32's count of free clusters."""
        per_sector = SECTOR // struct.calcsize(self._form)
        for sector in sorted({cluster // per_sector for cluster in self._changed}):
            for offset in self._geometry.fat_offsets:
                self._flush_sector(blocks, offset + sector * SECTOR, sector * per_sector)
        if self._changed:
            self._flush_info(blocks)
        self._changed.clear()

    def _flush_sector(self, blocks: WritableBlocks, offset: int, first: int) -> None:
        values = self._next[first : first + SECTOR // struct.calcsize(self._form)]
        form = f"<{len(values)}{self._form}"
        old = struct.unpack(form, blocks.read(offset, struct.calcsize(form)))
        kept = [(o & ~self._mask) | value for o, value in zip(old, values, strict=True)]
        blocks.write(offset, struct.pack(form, *kept))

    def _flush_info(self, blocks: WritableBlocks) -> None:
        offset = self._geometry.info_offset
        if offset is None:
            return
        blocks.write(
            offset,
            bytes(
                InfoSector(
                    lead=FSINFO_LEAD,
                    reserved=b"",
                    structure=FSINFO_STRUCTURE,
                    free_count=self.free_count,
                    next_free=max(self._last_allocated, 2),
                    reserved_1=b"",
                    trail=FSINFO_TRAIL,
                )
            ),
        )
