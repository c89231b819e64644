"""Bytes by offset: the one view of images and cards that everything else reads and writes.

`FileBlocks` is a file or block device, `Overlay` a copy-on-write draft over any other view.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flasher.errors import BadInput, FlasherError
from flasher.image.ranges import ByteRange

SECTOR = 512


class Blocks(Protocol):
    """Something that holds `size` bytes and reads them by offset."""

    @property
    def size(self) -> int:
        """Bytes it holds."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on; raises FlasherError where it cannot."""
        ...


class WritableBlocks(Blocks, Protocol):
    """Blocks that can be written too."""

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`; it never grows."""
        ...


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes and where they belong."""

    offset: int
    data: bytes

    @property
    def range(self) -> ByteRange:
        """The bytes it covers."""
        return ByteRange(self.offset, len(self.data))


def check_inside(blocks: Blocks, offset: int, length: int) -> None:
    """Raise FlasherError unless the range lies inside `blocks`."""
    if offset < 0 or length < 0 or offset + length > blocks.size:
        raise FlasherError(
            "ends-too-early",
            f"{length} bytes at {offset} lie beyond the end ({blocks.size} bytes).",
            "The image or card was cut off: get it again.",
        )


class FileBlocks:
    """A regular file or block device as blocks; a context manager; reads are thread-safe.

    Args:
        path: it must exist; its size is taken once, when it is opened.
        writable: open it for writing too.
        opener: opens it with given flags, as for Python's own ``open``.

    Attributes:
        size: bytes.
        stamp: of the file when it was opened; `stamp_now` is another once it was changed.

    Raises:
        BadInput: it cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        writable: bool = False,
        *,
        opener: Callable[[Path, int], int] = os.open,
    ) -> None:
        self.path = path
        self._descriptor = -1
        flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC
        try:
            self._descriptor = opener(path, flags)
            self.size = os.lseek(self._descriptor, 0, os.SEEK_END)
            found = os.fstat(self._descriptor)
        except OSError as error:
            raise BadInput(
                "cannot-open",
                f"{path} cannot be opened: {error.strerror}.",
                "Check the name, and that you may read it.",
            ) from None
        self.stamp = _stamp(found)

    def __enter__(self) -> FileBlocks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; again is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def stamp_now(self) -> tuple[int, ...]:
        """The stamp as it would be, were the file opened now."""
        return _stamp(self.stat())

    def stat(self) -> os.stat_result:
        """What the system says of the file."""
        return os.fstat(self._descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on."""
        check_inside(self, offset, length)
        parts = []
        while length:
            part = self._pread(offset, length)
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` with the bytes from `offset` on."""
        check_inside(self, offset, len(buffer))
        while buffer:
            with self._explained(offset):
                count = os.preadv(self._descriptor, [buffer], offset)
            if not count:
                raise self._ends(offset)
            offset, buffer = offset + count, buffer[count:]

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`, inside the size it had when opened."""
        check_inside(self, offset, len(data))
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._descriptor, rest, offset)
            offset, rest = offset + written, rest[written:]

    def _pread(self, offset: int, length: int) -> bytes:
        with self._explained(offset):
            part = os.pread(self._descriptor, length, offset)
        if not part:
            raise self._ends(offset)
        return part

    @contextmanager
    def _explained(self, offset: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            fact = f"{self.path} cannot be read at byte {offset}: {error.strerror}."
            raise FlasherError("cannot-read", fact, "Check the disk or card it is on.") from None

    def _ends(self, offset: int) -> FlasherError:
        fact = f"{self.path} ends at byte {offset}, {self.size} were there when it was opened."
        return FlasherError("ends-too-early", fact, "Leave the file alone while it is used.")


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class Overlay:
    """A draft over `base`: reads see what was written, the base never changes."""

    def __init__(self, base: Blocks) -> None:
        self._base = base
        self._sectors: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        """Bytes of the base."""
        return self._base.size

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on, changes included."""
        data = self._base.read(offset, length)
        if not length or not self._sectors:
            return data
        first, last = offset // SECTOR, (offset + length - 1) // SECTOR
        touched = self._touched(first, last)
        if not touched:
            return data
        lead = offset - first * SECTOR
        draft = bytearray(lead) + bytearray(data) + bytearray(SECTOR)
        for sector in touched:
            place = (sector - first) * SECTOR
            draft[place : place + SECTOR] = self._sectors[sector]
        return bytes(draft[lead : lead + length])

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset` in the draft."""
        check_inside(self, offset, len(data))
        done = 0
        while done < len(data):
            sector, lead = divmod(offset + done, SECTOR)
            part = data[done : done + SECTOR - lead]
            done += len(part)
            if len(part) < SECTOR:
                old = self._sector(sector)
                part = old[:lead] + part + old[lead + len(part) :]
            self._sectors[sector] = part

    def changes(self) -> tuple[Extent, ...]:
        """What differs from the base: sector-aligned extents, merged, in order."""
        runs: list[tuple[int, list[bytes]]] = []
        for sector in sorted(self._sectors):
            data = self._sectors[sector]
            if data == self._base_sector(sector):
                continue
            if runs and runs[-1][0] + len(runs[-1][1]) == sector:
                runs[-1][1].append(data)
            else:
                runs.append((sector, [data]))
        return tuple(
            Extent(first * SECTOR, b"".join(parts)[: self.size - first * SECTOR])
            for first, parts in runs
        )

    def _touched(self, first: int, last: int) -> list[int]:
        if last - first < len(self._sectors):
            return [sector for sector in range(first, last + 1) if sector in self._sectors]
        return [sector for sector in self._sectors if first <= sector <= last]

    def _sector(self, sector: int) -> bytes:
        found = self._sectors.get(sector)
        return self._base_sector(sector) if found is None else found

    def _base_sector(self, sector: int) -> bytes:
        offset = sector * SECTOR
        data = self._base.read(offset, min(SECTOR, self._base.size - offset))
        return data.ljust(SECTOR, b"\0")
