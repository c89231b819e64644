"""A boot loader's code in front of the first partition: what a PC's BIOS starts.

A Raspberry Pi looks at the table alone, and has none. A tree that holds such code tells all of it
in one file, laid out as on the disk; the layer `pc` makes it with GRUB's own tools.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.lanes import Lane
from flasher.errors import FlasherError
from flasher.image.mbr import CODE_SIZE

# In the tree: the first sector, whose end is the table's, then what it loads.
BOOT_CODE = PurePosixPath("boot/grub/boot-code.img")
# Cards get their first MiB last, as a whole: code and table are there together, or neither is.
LARGEST = 1 << 20


def read_boot_code(lane: Lane, tree: str) -> bytes:
    """The code that a tree holds; nothing where it holds none.

    Raises:
        FlasherError: ``boot-code-odd``: it is too short, or does not fit.
    """
    code = lane.run(("sh", "-c", '[ ! -f "$1" ] || cat "$1"', "sh", f"{tree}/{BOOT_CODE}")).output
    if code and not CODE_SIZE < len(code) <= LARGEST:
        raise FlasherError(
            "boot-code-odd",
            f"/{BOOT_CODE} has {len(code)} bytes; a disk has room for {CODE_SIZE} to {LARGEST}.",
            "Look at the layer that makes it: all that GRUB needs must be in it, and no more.",
        )
    return code


def lay_boot_code(code: bytes, table: bytes) -> bytes:
    """The first bytes of a disk: the code, with the table where it belongs.

    Args:
        code: as `read_boot_code` gives it; may be empty.
        table: the first sector without code, 512 bytes.
    """
    return code[:CODE_SIZE].ljust(CODE_SIZE, b"\0") + table[CODE_SIZE:] + code[len(table) :]
