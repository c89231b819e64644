"""Where things lie on this computer: what we ship, what we keep, what can be made again."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def assets() -> Path:
    """The files that ship with the program: recipes, profiles, sites, layers."""
    packaged = Path(__file__).parent / "assets"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "assets"


def data() -> Path:
    """What must not be lost: sites, own profiles, images, the ledger. ``FLASHER_DATA`` moves it.

    Under sudo it is still that of the person who called: the same sites, the same ledger.
    """
    chosen = os.environ.get("FLASHER_DATA")
    if chosen:
        return Path(chosen)
    caller = _caller()
    if caller:
        return Path(pwd.getpwuid(caller[0]).pw_dir) / ".local/share/flasher"
    return user_data_path("flasher")


def home() -> Path:
    """The home of the person in front of the computer; under sudo, of the one who called."""
    caller = _caller()
    return Path(pwd.getpwuid(caller[0]).pw_dir) if caller else Path.home()


def hand_over(*made: Path) -> None:
    """Under sudo, give what was made to the person who called."""
    if caller := _caller():
        for path in made:
            os.chown(path, *caller, follow_symlinks=False)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents; under sudo, for the person who called."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        hand_over(folder)


def _caller() -> tuple[int, int] | None:
    """User and group that called sudo; None without sudo, or where root called it."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() != 0 or not (user and group) or user == "0":
        return None
    return int(user), int(group)


def cache() -> Path:
    """What can be made again: layers, images. ``FLASHER_CACHE`` moves it.

    Root keeps it under ``/var/cache``: its layers hold owners that a user's could not.
    """
    chosen = os.environ.get("FLASHER_CACHE")
    if chosen:
        return Path(chosen)
    return Path("/var/cache/flasher") if os.geteuid() == 0 else user_cache_path("flasher")
