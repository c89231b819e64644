"""Whether a Raspberry Pi's boot ROM and firmware find the boot partition.

They read the MBR's first slots and take neither a protective nor a hybrid one for theirs: an image
whose FAT is partition 15 of a GPT boots on no Pi 4.
"""

from __future__ import annotations

from builder.lint.finding import Finding
from flasher.errors import BadInput
from flasher.image.blocks import SECTOR
from flasher.image.mbr import FAT32_LBA, GPT_PROTECTIVE, LINUX, Mbr

HEAD_SIZE = 2 * SECTOR
_GPT_MAGIC = b"EFI PART"  # UEFI Specification 2.10, section 5.3.2
_AS_DOS = "Write the table with sfdisk and `label: dos`."
_SLOTS = ((1, FAT32_LBA, "the boot partition"), (2, LINUX, "the root"))
_DATA_SLOT = (3, LINUX, "the partition for data")


def check_table(head: bytes, size: int, *, has_data: bool = False) -> list[Finding]:
    """Findings about a partition table.

    Args:
        head: the first `HEAD_SIZE` bytes of the image.
        size: bytes of the whole image.
        has_data: whether there must be a partition for data.
    """
    try:
        table = Mbr.from_bytes(head[:SECTOR])
    except BadInput as error:
        return [Finding(error.message, _AS_DOS)]
    slots = (*_SLOTS, _DATA_SLOT) if has_data else _SLOTS
    return [*_check_gpt(head, table), *_check_slots(table, slots), *_check_extents(table, size)]


def _check_gpt(head: bytes, table: Mbr) -> list[Finding]:
    found = []
    for part in table.partitions:
        if part.type == GPT_PROTECTIVE:
            what = f"Slot {part.slot} of the partition table is of type 0xEE: it protects a GPT."
            found.append(Finding(what, _AS_DOS))
    if head[SECTOR:].startswith(_GPT_MAGIC):
        remedy = "Make the table anew in an image of zeros: only an MBR boots every Pi."
        found.append(Finding("There is a GPT behind the MBR.", remedy))
    return found


def _check_slots(table: Mbr, slots: tuple[tuple[int, int, str], ...]) -> list[Finding]:
    types = {part.slot: part for part in table.partitions}
    found = []
    for slot, wanted, purpose in slots:
        part = types.get(slot)
        if part is None:
            what = f"Slot {slot} of the partition table is empty; it must be {purpose}."
        elif part.type != wanted:
            what = f"Slot {slot} of the partition table is of type 0x{part.type:02X}."
        else:
            continue
        found.append(Finding(what, f"Put {purpose} into slot {slot} with type 0x{wanted:02X}."))
    if not table.disk_id:
        what = "The disk has no id (it is 0), so no PARTUUID names its partitions."
        found.append(Finding(what, "Give `label-id:` to sfdisk."))
    return found


def _check_extents(table: Mbr, size: int) -> list[Finding]:
    found, reached = [], SECTOR
    for part in sorted(table.partitions, key=lambda part: part.offset):
        if part.offset < reached:
            what = f"Partition {part.slot} begins inside the one before it."
            found.append(Finding(what, "Give it a later start."))
        reached = max(reached, part.offset + part.size)
    if reached > size:
        what = f"The partitions end at byte {reached}, but the image has {size} only."
        found.append(Finding(what, "The image was cut off: make it anew."))
    return found
