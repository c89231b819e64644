"""What no node needs any more is taken out of a repository, which grows with each release.

What stays is found from metadata: what is in force, what was until lately, the newest versions of
each role, and the draft, with all that these lead to. All else that a release once brought goes.
Nothing that stays leads to what goes, so it may be killed at any moment, and the next try goes on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Snapshot, Targets
from tuf.api.serialization import DeserializationError

from autosetup.faults import Faulty
from autosetup.rollout_plan import read_plan
from flasher.events import Emit, ignore, step
from flasher.fleet.release import names
from flasher.fleet.release.copies import blobs_of, in_force
from flasher.fleet.release.draft import DraftFolder
from flasher.fleet.release.earlier import note_snapshots
from flasher.fleet.release.place import Place
from flasher.fleet.release.state import State

_ROOT, _SNAPSHOT = "root", "snapshot"
_TOP = frozenset({_SNAPSHOT, "targets"})
_PART = re.compile(r"\..+\.part")

Versions = Mapping[str, list[int]]


@dataclass(frozen=True, slots=True)
class Keep:
    """What stays besides what is in force, and the draft.

    Attributes:
        versions: so many newest of each role's metadata, whatever their age; at least 1. Of a site
            it counts its generations.
        days: and all that was in force, or written, within so many. Nodes believe a timestamp for
            that long, and may be fetching what it leads to.
    """

    versions: int
    days: int


def unneeded(place: Place, state: State, keep: Keep, now: datetime) -> dict[str, int]:
    """The files that nobody needs: sizes in bytes by their path in the repository.

    Roots never are among them, for nodes follow them one by one; nor is what is not named as files
    of a repository are.

    Args:
        place, state: the repository.
        keep: what stays.
        now: UTC.

    Raises:
        FlasherError: ``repository-damaged``, what is in force is not whole.
        BadInput: ``draft-damaged``.
    """
    since = (now - timedelta(days=keep.days)).timestamp()
    needed = {*in_force(state), *_of_draft(place), *_of_the_past(state.folder, keep, since)}
    found = {}
    for path in _files(state.folder):
        name, about = path.relative_to(state.folder).as_posix(), path.stat()
        if name not in needed and about.st_mtime < since:
            found[name] = about.st_size
    return found


def prune(
    place: Place, state: State, keep: Keep, now: datetime, emit: Emit = ignore
) -> dict[str, int]:
    """Remove what `unneeded` finds; arguments, result and errors are the same."""
    found = unneeded(place, state, keep, now)
    note_snapshots(state.folder, [name for name in found if name.endswith(".snapshot.json")])
    with step(emit, place.name, "prune", len(found)) as progress:
        for name in found:
            (state.folder / name).unlink(missing_ok=True)
            progress.advance(1)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """All that a release brings, and parts of it that a killed program left; but no root."""
    for top in (names.METADATA, names.TARGETS, names.BLOBS):
        for path in sorted((folder / top).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not path.is_symlink() and _is_ours(name, path.name):
                yield path


def _is_ours(path: str, name: str) -> bool:
    if found := names.version_in(path.removeprefix(f"{names.METADATA}/")):
        return found[0] != _ROOT
    return bool(names.digest_in(path) or _PART.fullmatch(name))


def _of_draft(place: Place) -> set[str]:
    """What the draft counts on: files that are here already are not among its own."""
    folder = DraftFolder(place.draft)
    if not folder.is_there():
        return set()
    letters = folder.letter_files(folder.load()).values()
    return {blob for letter in letters for blob in _blobs(letter)}


def _of_the_past(folder: Path, keep: Keep, since: float) -> Iterator[str]:
    """Metadata that stays, and what it leads to; letters of many versions are read once."""
    versions = _versions(folder)
    kept = {
        (role, number)
        for role, found in versions.items()
        for number in _newest(folder, role, found, keep.versions)
    }
    snapshots = versions.get(_SNAPSHOT, [])
    for number in {*snapshots[-keep.versions :], *_until_lately(folder, snapshots, since)}:
        kept |= {(_SNAPSHOT, number), *_pins(folder, number)}
    letters = set()
    for role, number in kept:
        yield names.versioned(role, number)
        targets = set(_targets(folder, role, number))
        letters |= targets if "." in role else set()
        yield from targets
    for letter in letters:
        yield from _blobs(folder / letter)


def _versions(folder: Path) -> Versions:
    """Which versions of each role's metadata there are, in their order; roots are left alone."""
    found = defaultdict(list)
    for path in (folder / names.METADATA).iterdir():
        named = names.version_in(path.name)
        if named and named[0] != _ROOT:
            found[named[0]].append(named[1])
    return {role: sorted(numbers) for role, numbers in found.items()}


def _newest(folder: Path, role: str, versions: list[int], count: int) -> Iterator[int]:
    """The newest versions; of a site's own all that so many generations had, by a pause or so.

    Plans are looked for there that go before those of a release that is taken back.
    """
    if "." in role or role in _TOP:
        yield from versions[-count:]
        return
    generations = set[int]()
    for number in reversed(versions):
        for target in _targets(folder, role, number):
            with suppress(FileNotFoundError, Faulty):
                generations.add(read_plan((folder / target).read_bytes()).generation)
        if len(generations) > count:
            return
        yield number


def _until_lately(folder: Path, snapshots: list[int], since: float) -> set[int]:
    """Snapshots that were in force at a time or later: each was until the next one was written."""

    def written(number: int) -> float:
        return (folder / names.versioned(_SNAPSHOT, number)).stat().st_mtime

    return {before for before, after in pairwise(snapshots) if written(after) >= since}


def _pins(folder: Path, number: int) -> Iterator[tuple[str, int]]:
    """The roles and versions that a snapshot names."""
    found = _signed(folder, _SNAPSHOT, number)
    if isinstance(found, Snapshot):
        for name, pin in found.meta.items():
            yield name.removesuffix(".json"), pin.version


def _targets(folder: Path, role: str, number: int) -> Iterator[str]:
    """Where the targets lie that a role's metadata names."""
    found = _signed(folder, role, number)
    if isinstance(found, Targets):
        for target, file in found.targets.items():
            yield names.stored(target, file.hashes.get("sha256", ""))


def _signed(folder: Path, role: str, number: int) -> Any:
    """Older metadata; None where it makes no sense, and so leads nobody anywhere.

    What cannot be read just now may make sense: that ends it all, before anything goes.
    """
    with suppress(FileNotFoundError, DeserializationError):
        raw = (folder / names.versioned(role, number)).read_bytes()
        found: Metadata[Any] = Metadata.from_bytes(raw)
        return found.signed
    return None


def _blobs(letter: Path) -> set[str]:
    with suppress(FileNotFoundError, Faulty):
        return blobs_of(letter.read_bytes())
    return set()
