"""The store of unpacked images: each under the name of its contents, sparse, with a note about it.

``<sha256>.img``          a raw image
``<size>-<sha256>.json``  of a packed file: which raw image it holds, as it was when it was unpacked
``<key>.digest``          SHA-256 of a file, for as long as nobody touches that file

Drafts are named ``.<random>.unpacking`` and held locked by the process that fills them; what a
killed process left is swept away by the next one.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput, FlasherError
from flasher.files import sync_folder, write_atomic

_KEPT = re.compile(r"[0-9a-f]{64}\.img")
_MEMORIES = 64

# Device, number, size and times of a file: one of them changes with any change of it.
Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a raw image that are not all zeros, and their CRC-32."""

    offset: int
    length: int
    crc: int


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of an unpacked image.

    Attributes:
        digest: SHA-256 (hex) of the raw image, by which it is named.
        stamp: of the raw image's file in the store.
        pieces: its map.
    """

    digest: str
    stamp: Stamp
    pieces: tuple[Piece, ...]


def stamp_of(told: os.stat_result) -> Stamp:
    """The stamp of a file by what the system says of it."""
    return (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)


def _close(descriptor: int, path: Path) -> None:
    """Give a draft back; it has no name any more, unless its process ends before it was kept."""
    with suppress(OSError):
        path.unlink()
    with suppress(OSError):
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed file by its contents: bytes, and SHA-256 (hex)."""

    size: int
    digest: str


class Draft:
    """A raw image that is being filled; locked, so that nobody sweeps it away.

    Attributes:
        path: its name until it is kept.
        descriptor: to fill it with; it stays open for those who read on.
    """

    def __init__(self, folder: Path, size: int | None) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while True:
            self.path = folder / f".{secrets.token_hex(4)}.unpacking"
            self.descriptor = os.open(self.path, flags, 0o644)
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            if os.fstat(self.descriptor).st_nlink:
                break
            os.close(self.descriptor)  # swept away before it was locked
        self._goodbye = weakref.finalize(self, _close, self.descriptor, self.path)
        try:
            os.truncate(self.descriptor, size or 0)
        except (OSError, OverflowError) as error:
            self._goodbye()
            if isinstance(error, OSError) and error.errno != errno.EFBIG:
                raise
            what = f"The image says that it holds {size} bytes: more than a file here can have."
            raise BadInput(
                "image-too-large", what, "Get the image again, from its maker."
            ) from None

    @contextmanager
    def discarded_on_error(self) -> Iterator[None]:
        """Whatever goes wrong inside, the draft loses its name, and soon its room."""
        try:
            yield
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        with suppress(OSError):
            self.path.unlink()


class Store:
    """The images below a folder; where nobody may write there, nothing is remembered."""

    def __init__(self) -> None:
        self.folder = paths.cache() / "images"

    def path_of(self, digest: str) -> Path:
        """Where a raw image is, or would be."""
        return self.folder / f"{digest}.img"

    def draft(self, needed: int, size: int | None) -> Draft:
        """A new file of holes, after what killed processes left was swept away.

        Where the disk has too little room, images that were not read for longest make some: they
        can be unpacked again.

        Args:
            needed: bytes that it will take at least.
            size: bytes, if they are known.

        Raises:
            FlasherError: ``disk-full``, ``store-unusable``.
            BadInput: ``image-too-large``.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            if not self._make_room(needed):
                raise disk_full(self.folder)
            return Draft(self.folder, size)
        except OSError as error:
            what = f"Images cannot be unpacked into {self.folder}: {error.strerror}."
            hint = "Give it room and rights, or set FLASHER_CACHE to another folder."
            raise FlasherError("store-unusable", what, hint) from None

    def keep(self, draft: Draft, packed: Packed, digest: str, pieces: tuple[Piece, ...]) -> None:
        """Give a draft its final name, durably, and note where it came from."""
        os.fsync(draft.descriptor)
        draft.path.replace(self.path_of(digest))
        sync_folder(self.folder)
        note = Note(digest, stamp_of(os.fstat(draft.descriptor)), pieces)
        write_atomic(self._note(packed), json.dumps(asdict(note)) + "\n")

    def find(self, packed: Packed) -> Note | None:
        """The note on a packed file, if its raw image lies here as it was left."""
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            told = json.loads(self._note(packed).read_bytes())
            pieces = tuple(Piece(**each) for each in told["pieces"])
            note = Note(str(told["digest"]), tuple(told["stamp"]), pieces)
            if stamp_of(self.path_of(note.digest).stat()) == note.stamp:
                return note
        return None

    def forget(self, packed: Packed, digest: str) -> None:
        """A raw image here is not what it was: it goes."""
        for path in (self._note(packed), self.path_of(digest)):
            with suppress(OSError):
                path.unlink()

    def may_hold(self, packed_size: int) -> bool:
        """Whether a file of this size was ever unpacked here, so that its digest may tell more."""
        return any(self.folder.glob(f"{packed_size}-*.json"))

    def remember(self, stamp: Stamp, digest: str) -> None:
        """Remember the digest of a file for as long as nobody touches it."""
        with suppress(OSError):
            write_atomic(self._memory(stamp), digest + "\n")
            memories = sorted(self.folder.glob("*.digest"), key=lambda path: path.stat().st_mtime)
            for old in memories[:-_MEMORIES]:
                old.unlink()

    def recall(self, stamp: Stamp) -> str | None:
        """The digest of a file that was remembered; None where it may have changed since."""
        with suppress(OSError):
            memory = self._memory(stamp)
            # A change in the very tick of the clock in which this was noted would not show.
            if max(stamp[-2:]) < memory.stat().st_mtime_ns:
                return memory.read_text().strip()
        return None

    def _note(self, packed: Packed) -> Path:
        return self.folder / f"{packed.size}-{packed.digest}.json"

    def _memory(self, stamp: Stamp) -> Path:
        return self.folder / f"{hashlib.sha256(str(stamp).encode()).hexdigest()[:32]}.digest"

    def _make_room(self, needed: int) -> bool:
        """Have so many bytes free, if need be at the cost of images that may go; whether they are.

        What another process reads is free only when it has ended: then more than one goes.
        """
        kept = {path: path.stat() for path in self.folder.iterdir() if _KEPT.fullmatch(path.name)}
        lacking = needed - shutil.disk_usage(self.folder).free
        if lacking > sum(told.st_blocks * 512 for told in kept.values()):
            return False
        for path in sorted(kept, key=lambda path: kept[path].st_atime_ns):
            if shutil.disk_usage(self.folder).free >= needed:
                break
            path.unlink()
        return shutil.disk_usage(self.folder).free >= needed

    def _sweep(self) -> None:
        for stale in self.folder.glob(".*.unpacking"):
            with suppress(OSError), stale.open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stale.unlink()


def disk_full(folder: Path) -> FlasherError:
    """The error for a store without room."""
    what = f"The disk is full: the image cannot be unpacked into {folder}."
    return FlasherError("disk-full", what, "Free some space, or set FLASHER_CACHE.")
