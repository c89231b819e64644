"""Where things lie on this computer: what we ship, what we keep, what can be made again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def assets() -> Path:
    """The files that ship with the program: recipes, profiles, sites, layers."""
    packaged = Path(__file__).parent / "assets"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "assets"


def data() -> Path:
    """What must not be lost: sites, own profiles, the ledger. ``FLASHER_DATA`` moves it."""
    chosen = os.environ.get("FLASHER_DATA")
    return Path(chosen) if chosen else user_data_path("flasher")


def cache() -> Path:
    """What can be made again: layers, images. ``FLASHER_CACHE`` moves it.

    Root keeps it under ``/var/cache``: its layers hold owners that a user's could not.
    """
    chosen = os.environ.get("FLASHER_CACHE")
    if chosen:
        return Path(chosen)
    return Path("/var/cache/flasher") if os.geteuid() == 0 else user_cache_path("flasher")
