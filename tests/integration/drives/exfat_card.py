"""Files on an exFAT volume, put there by hand: this kernel may not know the file system.

After Microsoft's "exFAT file system specification": 6.3.3 for checksums, 7.7.3 for hashes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path


class _Volume:
    def __init__(self, raw: bytearray) -> None:
        self.raw = raw
        fat, _, heap, _, self.root = struct.unpack_from("<5I", raw, 80)
        self.sector = 1 << raw[108]
        self.cluster_size = self.sector << raw[109]
        self.fat, self.heap = fat * self.sector, heap * self.sector
        self.free = self.root + 1

    def at(self, cluster: int) -> int:
        return self.heap + (cluster - 2) * self.cluster_size

    def take(self, size: int) -> int:
        """Clusters in a row, marked in the bitmap, which mkfs puts into the first one."""
        first, count = self.free, -(-size // self.cluster_size)
        for cluster in range(first, first + count):
            self.raw[self.at(2) + (cluster - 2) // 8] |= 1 << (cluster - 2) % 8
        self.free += count
        return first


def add(card: Path, folder: str, files: Mapping[str, int], *, loop: bool = False) -> None:
    """A folder in the root, with files in it; with `loop` also itself. Names in capitals."""
    volume = _Volume(bytearray(card.read_bytes()))
    inside = volume.take(volume.cluster_size)
    entries = b""
    for name, size in files.items():
        entries += _set(name, volume.take(size), size, is_folder=False)
    if loop:
        entries += _set("AGAIN", inside, volume.cluster_size, is_folder=True)
    start = volume.at(inside)
    volume.raw[start : start + len(entries)] = entries
    own = _set(folder, inside, volume.cluster_size, is_folder=True)
    start = volume.at(volume.root)
    while volume.raw[start]:
        start += 32
    volume.raw[start : start + len(own)] = own
    card.write_bytes(volume.raw)


def _set(name: str, cluster: int, size: int, *, is_folder: bool) -> bytes:
    units = name.encode("utf-16-le")
    parts = [units[i : i + 30].ljust(30, b"\0") for i in range(0, len(units), 30)]
    stamp = (46 << 25) | (1 << 21) | (1 << 16)
    head = struct.pack("<BBHHHIII12x", 0x85, 1 + len(parts), 0, 0x10 * is_folder, 0, *[stamp] * 3)
    form = "<BBxBHHQ4xIQ"
    stream = struct.pack(form, 0xC0, 3, len(name), _sum(units), 0, size, cluster, size)
    whole = head + stream + b"".join(b"\xc1\0" + part for part in parts)
    checksum = _sum(whole[:2] + whole[4:])
    return whole[:2] + struct.pack("<H", checksum) + whole[4:]


def _sum(data: bytes) -> int:
    found = 0
    for byte in data:
        found = ((found & 1) << 15 | found >> 1) + byte & 0xFFFF
    return found
