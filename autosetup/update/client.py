"""The Update Framework's client: which files of a repository are the true ones, and the newest.

The workflow itself is python-tuf's ngclient. Here stand what a node needs beyond it: metadata kept
durably, a clock that may know nothing, limits, and errors that people can act upon.

ngclient writes without syncing, so it works on a copy in memory; what it verified is put in place
file by file, each as a whole, in the order in which files vouch for each other. A power cut leaves
an older file beside newer ones, as if the network had gone at that moment.
"""

from __future__ import annotations

import importlib.util
import inspect
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autosetup import forms
from autosetup.errors import AgentError, plain
from autosetup.system import replace_file
from autosetup.update.fetch import Wanted
from autosetup.update.store import NotThere, Store, failed

if TYPE_CHECKING:
    from tuf.api.metadata import Targets
    from tuf.ngclient import FetcherInterface, Updater

ROOT, _STAMP, _TOP = "root.json", "timestamp.json", "targets.json"
_ORDER = (ROOT, _STAMP, "snapshot.json", _TOP)
_ALGORITHMS = ("sha256", "sha512")
_ABOUT = "store:"  # ngclient puts it before each path
# Bytes. A rig has few roles; a site with a thousand cards has 200 KB of them in one.
_ROOT_MOST, _TIMESTAMP_MOST, _SNAPSHOT_MOST, _TARGETS_MOST = 512_000, 16_384, 2_000_000, 5_000_000


class Client:
    """A repository as verified metadata tells of it; made by `opened`."""

    def __init__(self, updater: Updater, work: Path, name: str, now: float) -> None:
        self._updater, self._work, self._name, self._now = updater, work, name, now

    def refresh(self) -> None:
        """Have the newest metadata of the top.

        Raises:
            AgentError: ``source-failed``, ``frozen``, ``update-refused``.
        """
        with _explained(self._name, self._now):
            self._updater.refresh()

    def find(self, path: str) -> Wanted | None:
        """A target, with the metadata of the roles that may speak of it; None if there is none.

        Raises:
            AgentError: see `refresh`; ``update-refused`` also where it has no digest.
        """
        with _explained(self._name, self._now):
            found = self._updater.get_targetinfo(path)
        if found is None:
            return None
        for algorithm in _ALGORITHMS:
            if digest := found.hashes.get(algorithm):
                return Wanted(self._place(path, digest), found.length, digest, algorithm)
        raise refused(f"{self._name} has {path} without a digest that is known here.")

    @property
    def ends(self) -> float:
        """When the timestamp ends that was verified, in seconds since 1970."""
        from tuf.api.metadata import Metadata, Timestamp

        raw = (self._work / _STAMP).read_bytes()
        return Metadata[Timestamp].from_bytes(raw).signed.expires.timestamp()

    def _place(self, path: str, digest: str) -> str:
        """Where a target lies; with consistent snapshots its digest stands before its name."""
        from tuf.api.metadata import Metadata, Root

        root = Metadata[Root].from_bytes((self._work / ROOT).read_bytes()).signed
        folder, slash, base = path.rpartition("/")
        return f"{folder}{slash}{digest}.{base}" if root.consistent_snapshot else path


@contextmanager
def opened(
    folder: Path, anchor: bytes, store: Store, now: float, *, keep: bool = True
) -> Iterator[Client]:
    """A client that goes on from what this node knows.

    Args:
        folder: of verified metadata; made if it is missing.
        anchor: metadata of the root that is trusted to begin with.
        store: of the repository's metadata.
        now: by which time it is judged, in seconds since 1970.
        keep: what it learns, so that nothing older is taken from now on.

    Raises:
        AgentError: ``no-updater``; ``update-refused``, the anchor is none.
    """
    if not is_here():
        hint = "Take an image with the layer for updates, or install python3-tuf."
        raise AgentError("no-updater", "This node lacks python3-tuf, which checks updates.", hint)
    _complete_cryptography()
    with tempfile.TemporaryDirectory(prefix="autosetup-update-") as draft:
        work = Path(draft)
        for path in folder.glob("*.json"):
            (work / path.name).write_bytes(path.read_bytes())
        try:
            yield Client(_updater(work, anchor, store, now), work, store.name, now)
        finally:
            if keep:
                _keep(work, folder)


def is_here() -> bool:
    """Whether this node can check updates at all."""
    return importlib.util.find_spec("tuf") is not None


def _complete_cryptography() -> None:
    """Give Debian 12's python3-cryptography (38) the name that came with 40.

    securesystemslib names it where it annotates; without it, it takes the whole library for missing
    and verifies nothing but Ed25519, in plain Python.
    """
    from cryptography.hazmat.primitives.asymmetric import types

    vars(types).setdefault("PublicKeyTypes", object)


def refused(what: str) -> AgentError:
    """The error for what a repository must not be."""
    hint = "Nothing was changed. Look after the repository: flasher release show."
    return AgentError("update-refused", plain(what), hint)


def _updater(work: Path, anchor: bytes, store: Store, now: float) -> Updater:
    """ngclient, with the newest root that this node has."""
    from tuf.api.exceptions import RepositoryError

    if (work / ROOT).exists():
        try:
            return _begun(work, store, now)
        except RepositoryError:
            pass  # spoiled on the card
    (work / ROOT).write_bytes(anchor)
    with _explained("The root that this node was given", now):
        return _begun(work, store, now)


def _begun(work: Path, store: Store, now: float) -> Updater:
    from tuf.ngclient import Updater, UpdaterConfig

    # Since 6.0 one says that the root in the folder is the one to trust.
    signature = inspect.signature(Updater).parameters
    extra: dict[str, Any] = {"bootstrap": None} if "bootstrap" in signature else {}
    config = UpdaterConfig(
        root_max_length=_ROOT_MOST,
        timestamp_max_length=_TIMESTAMP_MOST,
        snapshot_max_length=_SNAPSHOT_MOST,
        targets_max_length=_TARGETS_MOST,
    )
    strict = _strict(Updater)
    updater = strict(str(work), _ABOUT, fetcher=_fetcher(store), config=config, **extra)
    # It has no argument for the time; this is where each of its checks looks it up.
    updater._trusted_set.reference_time = datetime.fromtimestamp(now, UTC)  # noqa: SLF001
    return updater


def _strict(usual: type[Updater]) -> type[Updater]:
    """A role is believed by the keys of each role that delegates to it.

    python-tuf before 7.0.1, which Debian 13 has, asks for those of the first one alone.
    """

    class Strict(usual):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._verified: set[tuple[str, str]] = set()

        def _load_targets(self, role: str, parent_role: str) -> Targets:
            held, pair = self._trusted_set._trusted_set, (role, parent_role)  # noqa: SLF001
            before = None if pair in self._verified else held.pop(role, None)  # to be loaded anew
            try:
                found: Targets = super()._load_targets(role, parent_role)
            finally:
                if before is not None:
                    held.setdefault(role, before)
            self._verified.add(pair)
            return found

    return Strict


def _fetcher(store: Store) -> FetcherInterface:
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient import FetcherInterface

    class Fetcher(FetcherInterface):
        """ngclient's way to a store."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            try:
                yield from store.read(url.removeprefix(f"{_ABOUT}/"))
            except NotThere as error:
                raise DownloadHTTPError(str(error), _as_missing(error.status)) from error

    return Fetcher()


def _as_missing(status: int) -> int:
    """What ngclient takes for the end of the roots: 403 and 404."""
    return status if status == 403 else 404


@contextmanager
def _explained(name: str, now: float) -> Iterator[None]:
    """What went wrong, in the agent's words."""
    from tuf.api.exceptions import (
        DownloadError,
        DownloadLengthMismatchError,
        ExpiredMetadataError,
        RepositoryError,
    )

    try:
        yield
    except ExpiredMetadataError as error:
        what = f"{name} has had nothing to say for too long, or keeps it back: {error}."
        day = forms.utc_text(now)[:10]
        hint = f"Renew the repository: flasher release renew. This node takes today for {day}."
        raise AgentError("frozen", what, hint) from error
    except DownloadLengthMismatchError as error:
        raise refused(f"{name} sends more than it may: {error}.") from error
    except DownloadError as error:
        if isinstance(error.__cause__, AgentError):
            raise error.__cause__ from None
        raise failed(name, str(error)) from error
    except RepositoryError as error:
        raise refused(f"{name} has metadata that cannot be trusted: {error}.") from error


def _keep(work: Path, folder: Path) -> None:
    """Put what was verified in place, durably."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = {path.name: path.read_bytes() for path in work.glob("*.json")}
    for name in sorted(found, key=lambda name: (_ORDER.index(name) if name in _ORDER else 9, name)):
        path = folder / name
        if not path.exists() or path.read_bytes() != found[name]:
            replace_file(path, found[name], 0o600)
