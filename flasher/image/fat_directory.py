"""Folders on FAT: a folder's bytes read as entries, and entries put in, changed and struck out.

Everything here is pure: a folder is its bytes, in slots of 32. Layouts after Microsoft's "FAT32
File System Specification" 1.03, chapters "FAT Directory Structure" and "FAT Long Directory
Entries".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flasher.errors import FlasherError
from flasher.image.fat_names import (
    ShortName,
    check_name,
    exact_short_name,
    fold,
    numbered_short_name,
)
from flasher.image.structure import Structure, at

SLOT = 32
LARGEST_FOLDER = 65536 * SLOT
READ_ONLY, VOLUME_ID, FOLDER, ARCHIVE = 0x01, 0x08, 0x10, 0x20
_LONG_NAME, _ATTRIBUTE_MASK = 0x0F, 0x3F
_END, _DELETED = 0x00, 0xE5
_LAST_LONG = 0x40
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


# --- reading ---------------------------------------------------------------------------------


def read_entries(data: bytes) -> tuple[Entry, ...]:
    """The files and folders, in order; not the label, not ``.`` and ``..``."""
    return tuple(
        entry
        for entry in _all_entries(data)
        if not entry.slot.attributes & VOLUME_ID and entry.slot.name[:1] != b"."
    )


def read_label(data: bytes) -> str | None:
    """The volume's label; only the root folder has one."""
    for entry in _all_entries(data):
        if entry.slot.attributes & (VOLUME_ID | FOLDER) == VOLUME_ID:
            return entry.slot.name.decode("cp437").rstrip()
    return None


def find(data: bytes, name: str) -> Entry | None:
    """The entry with this name, long or 8.3, in any case."""
    wanted = fold(name)
    for entry in read_entries(data):
        if wanted in (fold(entry.name), fold(str(ShortName(entry.slot.name)))):
            return entry
    return None


def _all_entries(data: bytes) -> Iterator[Entry]:
    long: list[LongSlot] = []
    for index in range(len(data) // SLOT):
        raw = data[index * SLOT : (index + 1) * SLOT]
        if raw[0] == _END:
            return
        if raw[0] == _DELETED:
            long = []
        elif raw[0x0B] & _ATTRIBUTE_MASK == _LONG_NAME:
            long = _follow(long, LongSlot.from_bytes(raw))
        else:
            yield _entry(ShortSlot.from_bytes(raw), long, index)
            long = []


def _follow(long: list[LongSlot], slot: LongSlot) -> list[LongSlot]:
    """The slots of a long name so far; none where this one belongs to no row of them."""
    if slot.order & _LAST_LONG:
        return [slot]
    fits = long and _number(slot) == _number(long[-1]) - 1 and slot.checksum == long[-1].checksum
    return [*long, slot] if fits else []


def _number(slot: LongSlot) -> int:
    return slot.order & ~_LAST_LONG


def _entry(slot: ShortSlot, long: list[LongSlot], index: int) -> Entry:
    short = ShortName(slot.name, slot.case)
    if not long or _number(long[-1]) != 1 or long[-1].checksum != short.checksum:
        return Entry(str(short), slot, index, 1)
    units = b"".join(part.units for part in reversed(long))
    name = units.decode("utf-16-le", errors="replace").partition("\0")[0]
    return Entry(name, slot, index - len(long), len(long) + 1)


# --- changing --------------------------------------------------------------------------------


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


def new_folder(cluster: int, parent: int, modified: datetime) -> bytes:
    """The first two slots of a folder: itself and its parent (0 where that is the root)."""
    slots = (new_slot(place, 0, FOLDER, modified) for place in (cluster, parent))
    names = (b".".ljust(11), b"..".ljust(11))
    return b"".join(bytes(replace(s, name=name)) for s, name in zip(slots, names, strict=True))


def add(data: bytes, name: str, slot: ShortSlot) -> bytes:
    """The folder with one entry more, in the first room for it; it may have grown.

    Args:
        data: a folder in which `name` is not.
        name: the file's name; its 8.3 name and long-name slots are made here.
        slot: the entry, its name still empty.

    Raises:
        BadInput: no file can have that name.
        FlasherError: ``folder-full``.
    """
    check_name(name)
    short = exact_short_name(name)
    rows = b""
    if short is None:
        short = numbered_short_name(name, {entry.slot.name for entry in _all_entries(data)})
        rows = _long_rows(name, short.checksum)
    rows += bytes(replace(slot, name=short.raw, case=short.case))
    return _insert(data, rows)


def change(data: bytes, entry: Entry, cluster: int, size: int, modified: datetime) -> bytes:
    """The folder with an entry that points to other contents."""
    date, time = fat_time(modified)
    slot = replace(
        entry.slot,
        cluster_high=cluster >> 16,
        cluster_low=cluster & 0xFFFF,
        size=size,
        modified_date=date,
        modified_time=time,
        accessed_date=date,
    )
    return _put(data, entry.first + entry.count - 1, bytes(slot))


def strike(data: bytes, entry: Entry) -> bytes:
    """The folder without an entry; nothing of it stays behind."""
    return _put(data, entry.first, (bytes([_DELETED]) + bytes(SLOT - 1)) * entry.count)


def _put(data: bytes, index: int, rows: bytes) -> bytes:
    start = index * SLOT
    return data[:start] + rows + data[start + len(rows) :]


def _insert(data: bytes, rows: bytes) -> bytes:
    count = len(rows) // SLOT
    first = _room(data, count)
    if (first + count) * SLOT > LARGEST_FOLDER:
        raise FlasherError(
            "folder-full",
            "A folder on the boot partition is full.",
            "Put the files into several folders.",
        )
    end = (first + count) * SLOT
    result = _put(data, first, rows)
    # What stands behind the end mark is old rubbish: the mark must move along.
    if _end_index(data) < first + count and end < len(result):
        result = _put(result, first + count, bytes(SLOT))
    return result


def _room(data: bytes, count: int) -> int:
    """Index of the first `count` free slots in a row; they may lie beyond the end of `data`."""
    end, run = _end_index(data), 0
    for index in range(end):
        run = run + 1 if data[index * SLOT] == _DELETED else 0
        if run == count:
            return index - count + 1
    return end - run


def _end_index(data: bytes) -> int:
    """Index of the end mark, or the number of slots where there is none."""
    slots = len(data) // SLOT
    return next((index for index in range(slots) if data[index * SLOT] == _END), slots)


def _long_rows(name: str, checksum: int) -> bytes:
    units = name.encode("utf-16-le")
    size = _UNITS_PER_SLOT * 2
    if len(units) % size:
        units = (units + b"\0\0").ljust(-(-len(units) // size) * size, b"\xff")
    parts = [units[start : start + size] for start in range(0, len(units), size)]
    rows = [_long_row(number, part, checksum) for number, part in enumerate(parts, 1)]
    rows[-1] = bytes([rows[-1][0] | _LAST_LONG]) + rows[-1][1:]
    return b"".join(reversed(rows))


def _long_row(number: int, units: bytes, checksum: int) -> bytes:
    first, second, third = units[:10], units[10:22], units[22:]
    return bytes(LongSlot(number, first, _LONG_NAME, 0, checksum, second, 0, third))
