"""Offline kits: folders on sticks, with images and profiles for a computer without network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import glob
from pathlib import Path

# The name of the folder at the top of a stick.
FOLDER = "flasher-kit"

# Where desktops mount what is plugged in: by user, or for all.
_MEDIA = ("/media/*/*", "/media/*", "/run/media/*/*")


def kits(media: Sequence[str] = _MEDIA) -> list[Path]:
    """Kits on what is mounted, by name; ``FLASHER_KIT`` names one that lies elsewhere.

    Args:
        media: patterns of folders where sticks are mounted; those that may not be read are none.
    """
    found = sorted(path for pattern in media for path in glob(f"{pattern}/{FOLDER}"))  # noqa: PTH207
    if chosen := os.environ.get("FLASHER_KIT"):
        found.insert(0, chosen)
    return [Path(path) for path in found if os.path.isdir(path)]  # noqa: PTH112  (neither raises)
