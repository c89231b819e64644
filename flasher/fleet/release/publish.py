"""What was signed becomes what is in force: snapshot and timestamp name it, the timestamp last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from securesystemslib.signer import Signer  # type: ignore[attr-defined]
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from flasher.errors import FlasherError
from flasher.events import Emit, ignore
from flasher.fleet.release import keys, names, times
from flasher.fleet.release.place import Place
from flasher.fleet.release.state import State, read_state
from flasher.fleet.release.store import Source, install

Made = Mapping[str, Metadata[Targets]]


def publish(
    place: Place,
    state: State,
    made: Made,
    files: Mapping[str, Source],
    now: datetime,
    emit: Emit = ignore,
) -> State:
    """Put new metadata, and the files that it names, in force.

    Killed at any moment it leaves the release before whole; the same call goes on.

    Args:
        place: of the repository.
        state: what is in force; `made` was signed upon it.
        made: metadata by role, each of the next version; none renews snapshot and timestamp.
        files: letters, plans, blobs and packages by their path in the repository.
        now: UTC.
        emit: for progress.

    Returns:
        what is in force now, read back.

    Raises:
        FlasherError: ``draft-outdated``, something was published since `made` was signed.
        BadInput: ``key-unreadable``, of the snapshot or timestamp key.
    """
    _check(state, made)
    roles = state.root.signed.roles
    signers = [keys.online(place.keys, roles[role].keyids, role) for role in keys.ONLINE]
    top = next_frame(state, made, now, signers[:1], signers[1:])
    raw = {names.versioned(role, d.signed.version): d.to_bytes() for role, d in made.items()}
    root = {names.versioned("root", state.root.signed.version): place.root_file.read_bytes()}
    install(place.folder, {**files, **root, **raw, **top}, emit)
    return settled(place)


def settled(place: Place) -> State:
    """What is in force now, read back and noted."""
    state = read_state(place.folder, place.root_file.read_bytes())
    place.note_published(state.timestamp.signed.version)
    return state


def frame(
    meta: Mapping[str, MetaFile],
    versions: tuple[int, int],
    now: datetime,
    snapshot_by: Sequence[Signer],
    timestamp_by: Sequence[Signer],
) -> dict[str, bytes]:
    """A snapshot and its timestamp, by path in the repository.

    Args:
        meta: the metadata of targets that it holds, by file name.
        versions: of the snapshot, and of the timestamp.
        now: UTC.
        snapshot_by, timestamp_by: who signs.
    """
    version, after = versions
    snapshot = Metadata(Snapshot(version, None, times.ends("snapshot", now), dict(meta)))
    raw = _signed(snapshot, snapshot_by)
    pin = pinned(version, raw)
    timestamp = Metadata(Timestamp(after, None, times.ends("timestamp", now), pin))
    return {
        names.versioned("snapshot", version): raw,
        names.TIMESTAMP: _signed(timestamp, timestamp_by),
    }


def next_frame(
    state: State,
    made: Made,
    now: datetime,
    snapshot_by: Sequence[Signer],
    timestamp_by: Sequence[Signer],
) -> dict[str, bytes]:
    """The snapshot and timestamp that follow those in force, by path in the repository.

    Args:
        state: what is in force.
        made: new metadata of targets by role; what is not among it stays.
        now: UTC.
        snapshot_by, timestamp_by: who signs.
    """
    new = {f"{role}.json": pinned(d.signed.version, d.to_bytes()) for role, d in made.items()}
    meta = {**state.snapshot.signed.meta, **new}
    versions = state.snapshot.signed.version + 1, state.timestamp.signed.version + 1
    return frame(meta, versions, now, snapshot_by, timestamp_by)


def pinned(version: int, raw: bytes) -> MetaFile:
    """How metadata names other metadata: by version, size and digest."""
    return MetaFile.from_data(version, raw, ["sha256"])


def _check(state: State, made: Made) -> None:
    """What was signed must follow what is in force, and be signed by those who may."""
    targets = made.get("targets", state.targets)
    for role, data in made.items():
        before = state.targets if role == "targets" else state.delegated.get(role)
        expected = before.signed.version + 1 if before else 1
        site, _, scanner_role = role.partition(".")
        delegator: Metadata[Root] | Metadata[Targets] = targets
        if role == "targets":
            delegator = state.root
        elif scanner_role:
            delegator = made[site]
        try:
            delegator.signed.verify_delegate(role, data.signed_bytes, data.signatures)
            is_fit = data.signed.version == expected
        except (RepositoryError, ValueError):
            is_fit = False
        if not is_fit:
            what = f"Keys or versions have changed since this was signed: {role} does not fit."
            raise FlasherError("draft-outdated", what, "Sign it again: flasher release sign")


def _signed(data: Metadata[Snapshot] | Metadata[Timestamp], by: Sequence[Signer]) -> bytes:
    for signer in by:
        data.sign(signer, append=True)
    return data.to_bytes()
