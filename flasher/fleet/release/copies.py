"""What is in force, copied elsewhere: to another server's folder, or onto a stick."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Timestamp
from tuf.api.serialization import DeserializationError

from autosetup.letter import read_letter
from autosetup.secrets_file import SECRETS
from flasher.errors import BadInput, FlasherError
from flasher.events import Emit, ignore
from flasher.fleet.release import names
from flasher.fleet.release.earlier import had_snapshot
from flasher.fleet.release.state import State
from flasher.fleet.release.store import Source, install, sha256_of


def copy_in_force(state: State, to: Path, emit: Emit = ignore) -> int:
    """Copy all that nodes need now, and nothing older; what is there already stays.

    Args:
        state: of the repository.
        to: the folder; made if it is missing. A reader of it finds the old or the new release.
        emit: for progress.

    Returns:
        how many bytes were written.

    Raises:
        BadInput: ``another-repository`` lies there.
        FlasherError: ``copy-newer``, something lies there that this repository never had;
            ``repository-damaged``.
    """
    first = names.versioned("root", 1)
    if (to / first).exists() and (to / first).read_bytes() != (state.folder / first).read_bytes():
        what = f"{to} has a repository with other keys."
        raise BadInput("another-repository", what, "Name another folder, or empty this one.")
    _check_follows(state, to)
    return install(to, in_force(state), emit)


def _check_follows(state: State, to: Path) -> None:
    """What lies there must be one of the states that this repository had.

    Another one was published by another computer, from a copy of its own: nodes that have seen it
    would refuse ours for as long as its versions are higher, and its releases would be lost.
    """
    next_root = to / names.versioned("root", state.root.signed.version + 1)
    there = _timestamp(to)
    if not next_root.exists() and (there is None or _had(state, there)):
        return
    what = f"{to} has something newer, or something that was never published from here."
    hint = (
        "Another computer released it. Publish there; or first copy that computer's repository, and"
        " its folder releases/NAME, to this one."
    )
    raise FlasherError("copy-newer", what, hint)


def _timestamp(folder: Path) -> Timestamp | None:
    """The newest that lies in a folder; None where there is none, or one that nobody can read."""
    with suppress(OSError, DeserializationError):
        found: Metadata[Any] = Metadata.from_bytes((folder / names.TIMESTAMP).read_bytes())
        return found.signed if isinstance(found.signed, Timestamp) else None
    return None


def _had(state: State, there: Timestamp) -> bool:
    """Whether the snapshot that it names is, or was once, this repository's."""
    if there.version > state.timestamp.signed.version:
        return False
    return had_snapshot(state.folder, there.snapshot_meta)


def in_force(state: State) -> dict[str, Source]:
    """Every file of the repository that its metadata leads to, by path.

    Raises:
        FlasherError: ``repository-damaged``, one of them is missing or spoiled.
    """
    paths = _metadata(state)
    for data in (state.targets, *state.delegated.values()):
        for target, file in data.signed.targets.items():
            paths.append(_sound(state, names.stored(target, file.hashes["sha256"])))
    paths += [_sound(state, path) for path in sorted(_blobs(state))]
    return {path: state.folder / path for path in paths}


def _metadata(state: State) -> list[str]:
    """All roots, for readers follow them one by one; of the rest the newest."""
    roots = [names.versioned("root", n) for n in range(1, state.root.signed.version + 1)]
    top = [
        names.versioned("snapshot", state.snapshot.signed.version),
        names.versioned("targets", state.targets.signed.version),
    ]
    delegated = [names.versioned(r, d.signed.version) for r, d in state.delegated.items()]
    return [*roots, *top, *delegated, names.TIMESTAMP]


def _blobs(state: State) -> set[str]:
    """The files that letters name."""
    found = set()
    for role, data in state.delegated.items():
        if "." in role:
            for target in data.signed.targets:
                found |= blobs_of(state.read(target) or b"")
    return found


def blobs_of(letter: bytes) -> set[str]:
    """Where the files lie that a letter names; raises `Faulty`."""
    files = read_letter(letter).told.files.items()
    return {names.blob(record.sha256) for name, record in files if name != SECRETS}


def _sound(state: State, path: str) -> str:
    place = state.folder / path
    if not place.is_file() or sha256_of(place) != names.digest_in(path):
        what = f"{place} is missing, or is not as it was published."
        raise FlasherError("repository-damaged", what, "Copy it back from a stick or server.")
    return path
