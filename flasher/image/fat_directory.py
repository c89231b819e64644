"""Folders on FAT: a folder's bytes read as entries, and entries put in, changed and struck out.

Everything here is pure: a folder is its bytes, in slots of 32; see `flasher.image.fat_slots`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from flasher.errors import FlasherError
from flasher.image.fat_names import (
    ShortName,
    check_name,
    exact_short_name,
    fold,
    numbered_short_name,
)
from flasher.image.fat_slots import (
    FOLDER,
    LAST_LONG,
    LONG_NAME,
    SLOT,
    VOLUME_ID,
    Entry,
    LongSlot,
    ShortSlot,
    fat_time,
    long_rows,
    new_slot,
)

LARGEST_FOLDER = 65536 * SLOT
_ATTRIBUTE_MASK = 0x3F
_END, _DELETED = 0x00, 0xE5


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
        elif raw[0x0B] & _ATTRIBUTE_MASK == LONG_NAME:
            long = _follow(long, LongSlot.from_bytes(raw))
        else:
            yield _entry(ShortSlot.from_bytes(raw), long, index)
            long = []


def _follow(long: list[LongSlot], slot: LongSlot) -> list[LongSlot]:
    """The slots of a long name so far; none where this one belongs to no row of them."""
    if slot.order & LAST_LONG:
        return [slot]
    fits = long and _number(slot) == _number(long[-1]) - 1 and slot.checksum == long[-1].checksum
    return [*long, slot] if fits else []


def _number(slot: LongSlot) -> int:
    return slot.order & ~LAST_LONG


def _entry(slot: ShortSlot, long: list[LongSlot], index: int) -> Entry:
    short = ShortName(slot.name, slot.case)
    if not long or _number(long[-1]) != 1 or long[-1].checksum != short.checksum:
        return Entry(str(short), slot, index, 1)
    units = b"".join(part.units for part in reversed(long))
    name = units.decode("utf-16-le", errors="replace").partition("\0")[0]
    return Entry(name, slot, index - len(long), len(long) + 1)


# --- changing --------------------------------------------------------------------------------


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
        rows = long_rows(name, short.checksum)
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
