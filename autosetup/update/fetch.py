"""Files of a known size and digest: fetched once, whole or not at all, gone on with after a cut."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.system import sync_folder
from autosetup.update.store import NotThere, Store, failed

# What a power cut may lose of a file that is on its way.
_SYNC_EVERY = 4 << 20
_READ = 1 << 20
# Tries that bring less than this count as none that got on.
_GETTING_ON = 64 << 10
_MOST_IN_VAIN, _MOST_TRIES = 5, 100
_LONGEST_PAUSE = 30.0
_PART = ".part"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of the repository.

    Attributes:
        path: there.
        size: in bytes.
        digest: of its bytes, in hex.
        algorithm: of the digest; what else hashlib knows comes from repositories of others.
    """

    path: str
    size: int
    digest: str
    algorithm: str = "sha256"


@dataclass(frozen=True, slots=True)
class Fetched:
    """Files by their digest, in a folder of the node that outlives power cuts.

    Attributes:
        folder: a file lies there under its digest; with ``.part`` behind it while it is on its way.
        pause: waits for some seconds.
    """

    folder: Path
    pause: Callable[[float], None] = time.sleep

    def get(self, digest: str) -> bytes | None:
        """A file of this SHA-256 that is there and whole; None for every other."""
        try:
            data = (self.folder / digest).read_bytes()
        except FileNotFoundError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def holds(self, wanted: Wanted) -> bool:
        """Whether a file is there, by its size; `get` looks closer."""
        path = self.folder / wanted.digest
        return path.is_file() and path.stat().st_size == wanted.size

    def has_of(self, wanted: Wanted) -> int:
        """How many bytes of a file need not be fetched any more."""
        part = self._part(wanted)
        if self.holds(wanted):
            return wanted.size
        return min(part.stat().st_size, wanted.size) if part.exists() else 0

    def fetch(
        self, store: Store, wanted: Wanted, progress: Callable[[int], None] = lambda _: None
    ) -> Path:
        """Have a file here, whole; what is here of it already is not fetched again.

        Args:
            store: that has it.
            wanted: which.
            progress: called with the number of bytes that came.

        Raises:
            AgentError: ``source-failed``, it was not to be had; ``update-refused``, it is not what
                was promised, though fetched anew.
        """
        target, part = self.folder / wanted.digest, self._part(wanted)
        if _digest(target, wanted) == wanted.digest:
            return target
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_anew = not part.exists()
        while True:
            self._complete(store, wanted, part, progress)
            if _digest(part, wanted) == wanted.digest:
                part.replace(target)
                sync_folder(self.folder)
                return target
            part.unlink()
            if is_anew:
                what = f"{store.name} has another file than was promised: {wanted.path}."
                raise AgentError("update-refused", what, "Publish the release again.")
            is_anew = True  # the fault may have been in what was here

    def forget(self, *, but: frozenset[str] = frozenset()) -> None:
        """Remove every file, also those on their way, but these digests."""
        for path in self.folder.glob("*"):
            if path.name.removesuffix(_PART) not in but:
                path.unlink()

    def _part(self, wanted: Wanted) -> Path:
        return self.folder / f"{wanted.digest}{_PART}"

    def _complete(
        self, store: Store, wanted: Wanted, part: Path, progress: Callable[[int], None]
    ) -> None:
        """Fetch what is missing of a file, with pauses after what goes wrong."""
        in_vain = 0
        for _ in range(_MOST_TRIES):
            before = part.stat().st_size if part.exists() else 0
            try:
                _append(store, wanted, part, progress)
                return
            except NotThere as error:
                raise failed(store.name, str(error)) from error
            except AgentError:
                got = part.stat().st_size - before if part.exists() else 0
                in_vain = 0 if got >= _GETTING_ON else in_vain + 1
                if in_vain >= _MOST_IN_VAIN:
                    raise
            # Not all nodes at once, when the server is back.
            longest = min(_LONGEST_PAUSE, 2.0**in_vain)
            self.pause(longest * random.uniform(0.5, 1))  # noqa: S311
        raise failed(store.name, f"{wanted.path}: it broke off {_MOST_TRIES} times")


def _append(store: Store, wanted: Wanted, part: Path, progress: Callable[[int], None]) -> None:
    """Add what a store gives, up to the size of the file and not a byte more."""
    with part.open("ab") as file:
        if file.tell() > wanted.size:
            file.truncate(0)
            file.seek(0)
        left = wanted.size - file.tell()
        unsynced = 0
        try:
            pieces = store.read(wanted.path, file.tell()) if left else ()
            for piece in pieces:
                file.write(piece[:left])
                progress(min(left, len(piece)))
                left, unsynced = left - min(left, len(piece)), unsynced + len(piece)
                if unsynced >= _SYNC_EVERY:
                    _sync(file.fileno(), file.flush)
                    unsynced = 0
                if not left:
                    break
        finally:
            _sync(file.fileno(), file.flush)
    if left:
        raise failed(store.name, f"{wanted.path} is {left} bytes shorter than was promised")


def _sync(descriptor: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(descriptor)


def _digest(path: Path, wanted: Wanted) -> str:
    """The digest of a file, as another one was promised; empty where there is no file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, wanted.algorithm).hexdigest()
    except FileNotFoundError:
        return ""
