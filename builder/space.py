"""Whether a disk has room for what is about to be built: better said at once than after an hour."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from builder.lock import LockedGroup
from flasher.errors import FlasherError

# Bytes on disk for each byte of .deb, measured with the recipe that ships: packages and the tree
# with its initramfs, the image with its compressed form, and the image that is given back as it
# is packed.
_LAYERS_RATIO = 5.5
_IMAGE_RATIO = 6.0
_PACKED_ONLY_RATIO = 4.0
_MIB = 1 << 20


def require_room_for_layers(store: Path, groups: Iterable[LockedGroup]) -> None:
    """Raise `FlasherError` (``disk-full``) unless the store has room for the groups' layers."""
    require_room(store, _LAYERS_RATIO * _packed(groups), "What is to be built")


def require_room_for_image(
    out: Path, groups: Iterable[LockedGroup], *, packed_only: bool = False
) -> None:
    """Raise `FlasherError` (``disk-full``) unless there is room for an image of the groups."""
    ratio = _PACKED_ONLY_RATIO if packed_only else _IMAGE_RATIO
    require_room(out, ratio * _packed(groups), "The image")


def _packed(groups: Iterable[LockedGroup]) -> int:
    return sum(package.size for group in groups for package in group.packages)


def require_room(folder: Path, wanted: float, purpose: str) -> None:
    """Raise `FlasherError` (``disk-full``) if the disk of a folder has less free than wanted.

    Args:
        folder: existing or to be.
        wanted: bytes.
        purpose: what for, as the beginning of a sentence.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < wanted:
        raise FlasherError(
            "disk-full",
            f"{purpose} takes about {wanted // _MIB:.0f} MiB; below {place} there are only "
            f"{free // _MIB} MiB free.",
            "Free some space, or choose another disk by FLASHER_CACHE and --out, and run the same "
            "command again: finished layers are kept.",
        )
