"""The root of a repository: who may sign what. Made once, renewed each year, changed when it must.

A changed root is signed by enough of the keys before and of those after, so nodes follow it from
whichever they know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.metadata import Metadata, Root, Targets

from flasher import paths
from flasher.errors import BadInput
from flasher.fleet.release import keys, names, times
from flasher.fleet.release.place import Place
from flasher.fleet.release.publish import frame, next_frame, pinned, settled
from flasher.fleet.release.signing import signed_targets
from flasher.fleet.release.state import State
from flasher.fleet.release.store import install

Change = Literal["root", "targets", "online"]
MOST_KEYS = 16


@dataclass(frozen=True, slots=True)
class RootKeys:
    """How many root keys there are, and how many must sign; both from 1 to `MOST_KEYS`."""

    count: int = 1
    threshold: int = 1

    def check(self) -> None:
        """Raises `BadInput` where they do not fit."""
        if not 1 <= self.threshold <= self.count <= MOST_KEYS:
            what = f"{self.threshold} of {self.count} root keys cannot be asked for."
            hint = f"Take 1 to {MOST_KEYS} keys, and no more for --threshold."
            raise BadInput("root-keys", what, hint)


def make_repository(place: Place, wanted: RootKeys, passphrase: str, now: datetime) -> State:
    """Make the keys of a repository and publish it, empty.

    Args:
        place: that is free, see `new_place`.
        wanted: root keys.
        passphrase: that opens root and targets keys.
        now: UTC.
    """
    wanted.check()
    paths.make_folder(place.keys)
    place.keys.chmod(0o700)
    roots = _new_roots(place.keys, place.name, wanted, lambda: passphrase)
    targets = keys.make_offline(place.keys, "targets", place.name, passphrase)
    snapshot, timestamp = (keys.make_online(place.keys, role) for role in keys.ONLINE)
    root = Metadata(Root(1, None, times.ends("root", now), consistent_snapshot=True))
    _set_keys(root.signed, "root", roots, wanted.threshold)
    for role, signer in (("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp)):
        _set_keys(root.signed, role, [signer])
    raw = _signed_root(root, roots)
    empty = Metadata(Targets(1, None, times.ends("targets", now)))
    empty.sign(targets)
    listed = {"targets.json": pinned(1, empty.to_bytes())}
    top = frame(listed, (1, 1), now, [snapshot], [timestamp])
    place.keep_root(raw)
    files = {names.versioned("root", 1): raw, names.versioned("targets", 1): empty.to_bytes()}
    install(place.folder, {**files, **top})
    place.remember()
    return settled(place)


def renew_root(
    place: Place,
    state: State,
    folder: Path,
    passphrase: keys.Passphrase,
    now: datetime,
    *,
    changes: Sequence[Change] = (),
    wanted: RootKeys | None = None,
) -> State:
    """Sign the next root: for another year, and with new keys where asked for.

    What hangs from keys that change is signed by the old and the new ones first, so that readers
    find a whole repository before, between and after. Keys that are gone are done without: who
    reads at that very moment tries again later. Files of keys before stay beside the new ones.

    Args:
        place, state: the repository.
        folder: where the sealed keys lie now; new ones are put there.
        passphrase: that opens them, and new ones.
        now: UTC.
        changes: which keys to replace.
        wanted: root keys from now on, where these change; else as many as before.

    Raises:
        BadInput: ``wrong-passphrase``, ``no-release-key``, ``too-few-keys``, ``root-keys``.
    """
    before = state.root.signed
    roots = keys.offline(folder, "root", before.roles["root"].keyids, passphrase)
    _check_enough(before, roots)
    after = _following(state.root, now)
    change = _Handover(place, state, folder, passphrase, after.signed)
    if "root" in changes:
        roots += change.roots(wanted)
    if "targets" in changes:
        change.targets(now)
    if "online" in changes:
        change.online()
    return change.publish(_signed_root(after, roots), now)


def _following(before: Metadata[Root], now: datetime) -> Metadata[Root]:
    """The next root, with the same keys and no signature yet."""
    after = Metadata(Metadata[Root].from_bytes(before.to_bytes()).signed)  # shares nothing
    after.signed.version, after.signed.expires = before.signed.version + 1, times.ends("root", now)
    return after


@dataclass(slots=True)
class _Handover:
    """From the keys of one root to those of the next one.

    Attributes:
        place, state: the repository.
        folder, passphrase: of the sealed keys.
        after: the next root, which gets the new keys.
        made: metadata of targets that both sign.
        new_online: keys by role.
        is_whole: no key before is gone, so that readers of both roots find what they believe.
    """

    place: Place
    state: State
    folder: Path
    passphrase: keys.Passphrase
    after: Root
    made: dict[str, Metadata[Targets]] = field(default_factory=dict)
    new_online: dict[str, CryptoSigner] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def _suffix(self) -> str:
        return f"-v{self.after.version}"

    def roots(self, wanted: RootKeys | None) -> list[CryptoSigner]:
        """New root keys."""
        role = self.state.root.signed.roles["root"]
        count = wanted or RootKeys(len(role.keyids), role.threshold)
        new = _new_roots(self.folder, self.place.name, count, self.passphrase, self._suffix)
        _set_keys(self.after, "root", new, count.threshold)
        return new

    def targets(self, now: datetime) -> None:
        """A new targets key."""
        wanted = self.state.root.signed.roles["targets"].keyids
        old = keys.offline_or_none(self.folder, "targets", wanted, self.passphrase)
        name, secret = f"targets{self._suffix}", self.passphrase()
        new = keys.make_offline(self.folder, name, self.place.name, secret)
        _set_keys(self.after, "targets", [new])
        self.made["targets"] = _resigned(self.state, [*old, new], now)
        self.is_whole = self.is_whole and bool(old)

    def online(self) -> None:
        """New keys for snapshot and timestamp."""
        for role in keys.ONLINE:
            self.new_online[role] = keys.make_online(self.place.keys, f"{role}{self._suffix}")
            _set_keys(self.after, role, [self.new_online[role]])

    def publish(self, raw: bytes, now: datetime) -> State:
        """Put the next root in force, after all that hangs from it where that can be."""
        files, folder = self._files(now), self.place.folder
        if self.is_whole:
            install(folder, files)
        self.place.keep_root(raw)
        install(folder, {names.versioned("root", self.after.version): raw, **files})
        return settled(self.place)

    def _files(self, now: datetime) -> dict[str, bytes]:
        """What must be in force for the next root, by path; nothing where only that is new."""
        if not (self.made or self.new_online):
            return {}
        by = [self._online(role) for role in keys.ONLINE]
        self.is_whole = self.is_whole and all(self._before(role) for role in keys.ONLINE)
        top = next_frame(self.state, self.made, now, *by)
        raw = {names.versioned(r, d.signed.version): d.to_bytes() for r, d in self.made.items()}
        return raw | top

    def _online(self, role: str) -> list[CryptoSigner]:
        signers = (self._before(role), self.new_online.get(role))
        return [signer for signer in signers if signer]

    def _before(self, role: str) -> CryptoSigner | None:
        wanted = self.state.root.signed.roles[role].keyids
        return keys.online_or_none(self.place.keys, wanted, role)


def _resigned(state: State, by: Sequence[CryptoSigner], now: datetime) -> Metadata[Targets]:
    before = state.targets.signed
    made = signed_targets(state, "targets", before.targets, now, by[0], before.delegations)
    for signer in by[1:]:
        made.sign(signer, append=True)
    return made


def _new_roots(
    folder: Path, name: str, wanted: RootKeys, passphrase: keys.Passphrase, suffix: str = ""
) -> list[CryptoSigner]:
    wanted.check()
    numbers = range(1, wanted.count + 1)
    return [keys.make_offline(folder, f"root-{n}{suffix}", name, passphrase()) for n in numbers]


def _set_keys(root: Root, role: str, signers: Sequence[CryptoSigner], threshold: int = 1) -> None:
    for keyid in list(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for signer in signers:
        root.add_key(signer.public_key, role)
    root.roles[role].threshold = threshold


def _check_enough(root: Root, signers: Sequence[CryptoSigner]) -> None:
    needed = root.roles["root"].threshold
    if len(signers) < needed:
        what = f"{len(signers)} of the {needed} root keys that must sign are here."
        raise BadInput("too-few-keys", what, "Bring the others' files together: --keys FOLDER.")


def _signed_root(root: Metadata[Root], by: Sequence[CryptoSigner]) -> bytes:
    for signer in by:
        root.sign(signer, append=True)
    return root.to_bytes()
