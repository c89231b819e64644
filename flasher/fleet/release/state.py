"""A repository as it stands, every link of its chain of signatures checked.

Nothing is built on what somebody else may have put there: the chain begins at the root that is kept
beside the keys. Whether it has expired is not asked, for then it is to be renewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from flasher.errors import FlasherError
from flasher.fleet.release import names

Delegated = Mapping[str, Metadata[Targets]]
S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class State:
    """What is in force.

    Attributes:
        folder: of the repository.
        delegated: by role, ``SITE`` or ``SITE.ROLE``, with targets of its own alone.
    """

    folder: Path
    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]
    delegated: Delegated

    @property
    def sites(self) -> tuple[str, ...]:
        """Those that have a release."""
        return tuple(role for role in self.delegated if "." not in role)

    def roots(self) -> frozenset[str]:
        """SHA-256 (hex) of every root that there was: images may have any of them."""
        numbers = range(1, self.root.signed.version)
        files = (self.folder / names.versioned("root", number) for number in numbers)
        older = [file.read_bytes() for file in files if file.is_file()]
        # The newest one may be kept here, and not published yet.
        return frozenset(sha256(raw).hexdigest() for raw in (*older, self.root.to_bytes()))

    def expiry(self) -> dict[str, datetime]:
        """When the metadata of each role ends."""
        top = {
            "root": self.root.signed.expires,
            "timestamp": self.timestamp.signed.expires,
            "snapshot": self.snapshot.signed.expires,
            "targets": self.targets.signed.expires,
        }
        return top | {role: found.signed.expires for role, found in self.delegated.items()}

    def read(self, target: str) -> bytes | None:
        """The bytes of a target, as they were signed for; None where there is no such target.

        Raises:
            FlasherError: ``repository-damaged``.
        """
        for holder in (self.targets, *self.delegated.values()):
            if found := holder.signed.targets.get(target):
                return _stored(self.folder, target, found)
        return None

    def earlier(self, site: str, target: str) -> Iterator[bytes]:
        """A target of a site's own as versions before had it, newest first.

        As far back as they were not pruned, and are signed as they must be now.
        """
        version = self.delegated[site].signed.version
        with suppress(FlasherError):
            while (version := version - 1) > 0:
                yield self._of_version(site, version, target)

    def _of_version(self, site: str, version: int, target: str) -> bytes:
        with _explaining(self.folder):
            path = names.versioned(site, version)
            found = _read(self.folder, path, self.targets, site, Targets)
            _check_version(site, found, version)
            return _stored(self.folder, target, found.signed.targets[target])


def newest_root(folder: Path, known: bytes) -> bytes:
    """The newest root of a repository, followed one by one from one that is known, as nodes do.

    Args:
        folder: of the repository.
        known: a root of it, as bytes.

    Raises:
        FlasherError: ``repository-damaged``, the next one is not signed by the one before.
    """
    root = Metadata[Root].from_bytes(known)
    while (path := folder / names.versioned("root", root.signed.version + 1)).is_file():
        with _explaining(folder):
            known = path.read_bytes()
            after = Metadata[Root].from_bytes(known)
            for signer in (root, after):
                signer.signed.verify_delegate("root", after.signed_bytes, after.signatures)
            _check_version("root", after, root.signed.version + 1)
        root = after
    return known


def read_state(folder: Path, trusted_root: bytes) -> State:
    """Read a repository.

    Args:
        folder: of the repository.
        trusted_root: the newest root, from beside the keys.

    Raises:
        FlasherError: ``repository-damaged``, a file is missing, torn, or not signed as it must be.
    """
    root = Metadata[Root].from_bytes(trusted_root)
    with _explaining(folder):
        timestamp = _read(folder, names.TIMESTAMP, root, "timestamp", Timestamp)
        snapshot = _pinned(folder, "snapshot", timestamp.signed.snapshot_meta, root, Snapshot)
        pins = dict(snapshot.signed.meta)
        targets = _pinned(folder, "targets", pins.pop("targets.json"), root, Targets)
        delegated: dict[str, Metadata[Targets]] = {}
        by_role = {name.removesuffix(".json"): pin for name, pin in pins.items()}
        for role, pin in sorted(by_role.items()):  # a site comes before its roles
            delegator = delegated[role.partition(".")[0]] if "." in role else targets
            delegated[role] = _own(role, _pinned(folder, role, pin, delegator, Targets))
    return State(folder, root, timestamp, snapshot, targets, delegated)


def _stored(folder: Path, target: str, file: TargetFile) -> bytes:
    with _explaining(folder):
        raw = (folder / names.stored(target, file.hashes["sha256"])).read_bytes()
        file.verify_length_and_hashes(raw)
    return raw


def _own(role: str, found: Metadata[Targets]) -> Metadata[Targets]:
    """The same without others' targets: nodes do not hear these, so nobody here shall sign them."""
    place = role.replace(".", "/") + "/"
    own = {path: file for path, file in found.signed.targets.items() if path.startswith(place)}
    found.signed.targets = own
    return found


def _pinned(
    folder: Path, role: str, pin: MetaFile, delegator: Metadata[Any], kind: type[S]
) -> Metadata[S]:
    """Metadata that other metadata names by version, size and digest."""
    found = _read(folder, names.versioned(role, pin.version), delegator, role, kind, pin)
    _check_version(role, found, pin.version)
    return found


def _check_version(role: str, found: Metadata[Any], version: int) -> None:
    if found.signed.version != version:
        raise RepositoryError(f"{role} is of version {found.signed.version}, not {version}")


def _read(
    folder: Path,
    path: str,
    delegator: Metadata[Any],
    role: str,
    kind: type[S],
    pin: MetaFile | None = None,
) -> Metadata[S]:
    raw = (folder / path).read_bytes()
    if pin:
        pin.verify_length_and_hashes(raw)
    found = Metadata[S].from_bytes(raw)
    if not isinstance(found.signed, kind):
        raise RepositoryError(f"{path} is no {kind.type}")
    delegator.signed.verify_delegate(role, found.signed_bytes, found.signatures)
    return found


@contextmanager
def _explaining(folder: Path) -> Iterator[None]:
    try:
        yield
    except (RepositoryError, DeserializationError, OSError, KeyError, ValueError) as error:
        raise FlasherError(
            "repository-damaged",
            f"The repository in {folder} is not as it was published: {error}.",
            "Copy it back from where it was published to, or from a stick that has it.",
        ) from None
