"""A profile from a stick or a download, taken over into the user's own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.files import sync_folder, write_atomic
from flasher.rig.profile import FILE, Profile, load_profile


def find_profile(folder: Path) -> Profile:
    """Read the profile in a folder, or in a file such as its ``profile.toml``.

    Raises:
        BadInput: ``no-profile``, none is there.
        BadDocument: it has faults, all listed.
    """
    place = folder.expanduser()
    if not (place.is_file() or (place / FILE).is_file()):
        what = f"There is no {FILE} in {folder}."
        raise BadInput("no-profile", what, f"Choose the folder that has the {FILE} in it.")
    return load_profile(str(place.resolve()))


def place_of(profile: Profile) -> Path:
    """Where a profile lies once it is taken over."""
    return paths.data() / "profiles" / profile.name


def import_profile(profile: Profile, *, replacing: bool = False) -> Profile:
    """Copy a profile, with the files that it names and no others; as it is from now on.

    Args:
        profile: as `find_profile` read it.
        replacing: whether one of that name may go; scripts that were added to it stay.

    Raises:
        BadInput: ``profile-exists``; it is not touched.
    """
    place, source = place_of(profile), profile.path.parent
    if place.resolve() == source.resolve():
        what = f"The profile {profile.name} lies there already: {place}."
        raise BadInput("profile-exists", what, "There is nothing to do.")
    if place.exists() and not replacing:
        what = f"There is a profile {profile.name} already, in {place}."
        raise BadInput("profile-exists", what, "Replace it (--replace), if this one is newer.")
    paths.make_folder(place.parent)
    # Beside the shelf: what a power cut leaves there is no profile.
    staging = Path(tempfile.mkdtemp(prefix=".importing-", dir=paths.data()))
    try:
        _copy(profile, source, staging / "new")
        if place.exists():
            place.rename(staging / "old")
        (staging / "new").rename(place)
        sync_folder(place.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return load_profile(str(place))


def _copy(profile: Profile, source: Path, target: Path) -> None:
    document, *others = profile.files
    for name, copy in ((document, FILE), *((name, name) for name in others)):
        write_atomic(target / copy, (source / name).read_bytes())
    paths.hand_over(target, *target.rglob("*"))
