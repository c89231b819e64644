"""Small images that are made on the spot."""

from __future__ import annotations

from flasher.image.blocks import check_inside


class MemoryBlocks:
    """Bytes in memory as blocks."""

    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)

    @property
    def size(self) -> int:
        """Bytes it holds."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on."""
        check_inside(self, offset, length)
        return bytes(self._data[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`; it never grows."""
        check_inside(self, offset, len(data))
        self._data[offset : offset + len(data)] = data
