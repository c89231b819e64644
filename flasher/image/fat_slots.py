"""What folders on FAT consist of: slots of 32 bytes, each an entry or a part of a long name.

Layouts after Microsoft's "FAT32 File System Specification" 1.03, chapters "FAT Directory Structure"
and "FAT Long Directory Entries".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flasher.image.structure import Structure, at

SLOT = 32
VOLUME_ID, FOLDER, ARCHIVE = 0x08, 0x10, 0x20
LONG_NAME = 0x0F
LAST_LONG = 0x40
_UNITS_PER_SLOT = 13
_EPOCH, _LAST_MOMENT = datetime(1980, 1, 1), datetime(2107, 12, 31, 23, 59, 58)


@dataclass(frozen=True, slots=True)
class ShortSlot(Structure):
    """One entry with its 8.3 name."""

    name: bytes = at(0x00, "11s")
    attributes: int = at(0x0B, "B")
    case: int = at(0x0C, "B")
    created_centiseconds: int = at(0x0D, "B")
    created_time: int = at(0x0E, "H")
    created_date: int = at(0x10, "H")
    accessed_date: int = at(0x12, "H")
    cluster_high: int = at(0x14, "H")
    modified_time: int = at(0x16, "H")
    modified_date: int = at(0x18, "H")
    cluster_low: int = at(0x1A, "H")
    size: int = at(0x1C, "I")


@dataclass(frozen=True, slots=True)
class LongSlot(Structure):
    """13 UTF-16 units of a long name; the slots stand before the entry, the last part first."""

    order: int = at(0x00, "B")
    units_1: bytes = at(0x01, "10s")
    attributes: int = at(0x0B, "B")
    type: int = at(0x0C, "B")
    checksum: int = at(0x0D, "B")
    units_2: bytes = at(0x0E, "12s")
    cluster: int = at(0x1A, "H")
    units_3: bytes = at(0x1C, "4s")

    @property
    def units(self) -> bytes:
        """The 13 units."""
        return self.units_1 + self.units_2 + self.units_3


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in its folder.

    Attributes:
        name: the long name, else the 8.3 name with its cases.
        slot: the entry itself.
        first: index of the first slot that belongs to it, and
        count: how many do, long-name slots included.
    """

    name: str
    slot: ShortSlot
    first: int
    count: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return bool(self.slot.attributes & FOLDER)

    @property
    def cluster(self) -> int:
        """Its first cluster; 0 for an empty file, and for a `..` that leads to the root."""
        return self.slot.cluster_high << 16 | self.slot.cluster_low

    @property
    def modified(self) -> datetime:
        """When it was last written, taken as UTC; 1980 where the card says nonsense."""
        date, time = self.slot.modified_date, self.slot.modified_time
        clock = time >> 11, time >> 5 & 63, (time & 31) * 2
        try:
            return datetime((date >> 9) + 1980, date >> 5 & 15, date & 31, *clock, tzinfo=UTC)
        except ValueError:
            return _EPOCH.replace(tzinfo=UTC)


def fat_time(moment: datetime) -> tuple[int, int]:
    """Date and time as FAT has them: in UTC, 2-second steps, limited to the years 1980 to 2107."""
    plain = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    plain = min(max(plain, _EPOCH), _LAST_MOMENT)
    date = (plain.year - 1980) << 9 | plain.month << 5 | plain.day
    return date, plain.hour << 11 | plain.minute << 5 | plain.second // 2


def new_slot(cluster: int, size: int, attributes: int, modified: datetime) -> ShortSlot:
    """An entry as yet without a name."""
    date, time = fat_time(modified)
    return ShortSlot(
        name=b"",
        attributes=attributes,
        case=0,
        created_centiseconds=0,
        created_time=time,
        created_date=date,
        accessed_date=date,
        cluster_high=cluster >> 16,
        modified_time=time,
        modified_date=date,
        cluster_low=cluster & 0xFFFF,
        size=size,
    )


def long_rows(name: str, checksum: int) -> bytes:
    """The slots of a long name, as they stand before the entry whose 8.3 name has the checksum."""
    units = name.encode("utf-16-le")
    size = _UNITS_PER_SLOT * 2
    if len(units) % size:
        units = (units + b"\0\0").ljust(-(-len(units) // size) * size, b"\xff")
    parts = [units[start : start + size] for start in range(0, len(units), size)]
    rows = [_long_row(number, part, checksum) for number, part in enumerate(parts, 1)]
    rows[-1] = bytes([rows[-1][0] | LAST_LONG]) + rows[-1][1:]
    return b"".join(reversed(rows))


def _long_row(number: int, units: bytes, checksum: int) -> bytes:
    first, second, third = units[:10], units[10:22], units[22:]
    return bytes(LongSlot(number, first, LONG_NAME, 0, checksum, second, 0, third))
