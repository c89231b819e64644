"""Whether a FAT can hold what a tree has for its boot partition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.measure import BLOCK, Measure
from flasher.errors import FlasherError

_MIB = 1 << 20
# Whole characters, some not allowed, and neither a dot nor a space at the end.
_FAT_NAME = re.compile(r'[^\x00-\x1f\x7f"*:<>?|\\\ud800-\udfff]+(?<![. ])')
# What to do about a boot file that is none, and about a boot partition that is too small.
_RECIPE_HINTS = (
    "Take it out of the recipe's layers.",
    "Raise boot_size_mib in the recipe's [image].",
)


def require_boot_fits(found: Measure, size: int, hints: tuple[str, str] = _RECIPE_HINTS) -> None:
    """Raise `FlasherError` unless a FAT of `size` bytes can hold the boot folder."""
    if odd := next(_odd(found), None):
        raise FlasherError("boot-file-odd", f"/{found.boot_place}/{odd}", hints[0])
    needed = boot_bytes(found)
    if needed > size * 9 // 10:
        raise FlasherError(
            "boot-partition-too-small",
            f"The boot files take {needed // _MIB} MiB, too much for the boot partition of "
            f"{size // _MIB} MiB.",
            hints[1],
        )


def _odd(found: Measure) -> Iterator[str]:
    """What a FAT cannot hold, with the reason; Microsoft's FAT specification 1.03, long names."""
    for name in found.boot_odd:
        yield f"{name} is no file or folder: a FAT cannot hold it."
    seen: dict[str, str] = {}
    for name in (*found.boot_folders, *(name for name, _ in found.boot)):
        if not _FAT_NAME.fullmatch(PurePosixPath(name).name):
            yield f"{name} is a name that a FAT cannot hold."
        twin = seen.setdefault(name.upper(), name)
        if twin != name:
            yield f"{name} and {twin} are one name on a FAT."


def boot_bytes(found: Measure) -> int:
    """What the boot files take in a FAT of clusters of 4 KiB."""
    return sum(-(-length // BLOCK) * BLOCK for _, length in found.boot)
