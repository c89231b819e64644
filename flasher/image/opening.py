"""The ways in which an image is made readable: where it lies, from the store, or on its way there.

What takes time goes on in threads; what goes wrong there is heard by all who read the image.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, step
from flasher.image.background import Later, Watermark, in_background, wait_aloud
from flasher.image.blocks import FileBlocks
from flasher.image.checksums import Sum, check_sums, hash_file, hash_image, is_as_noted
from flasher.image.forms import DAMAGE, Form, size_of
from flasher.image.papers import Announced
from flasher.image.store import Draft, Note, Packed, Stamp, Store, disk_full, stamp_of
from flasher.image.unpack import unpack


@dataclass(frozen=True, slots=True)
class Opened:
    """A raw image that can be read as far as its watermark has risen.

    Attributes:
        digest: SHA-256 (hex), to be found when it is asked for.
        checks: what must end well before a card is finished.
        kept_at: the folder where it will be once it is whole, if not where it is.
        work: what else goes on.
    """

    blocks: FileBlocks
    watermark: Watermark
    digest: Later[str]
    checks: tuple[Future[str], ...] = ()
    kept_at: Path | None = None
    work: tuple[Future[None] | Future[str], ...] = ()

    def abandon(self, error: BaseException) -> None:
        """End all that goes on, and return when it has ended."""
        self.watermark.fail(error)
        all_of_it: list[Future[Any]] = [*self.checks, *self.work]
        wait(all_of_it)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is to be opened, and what is known of it.

    Attributes:
        announced: by the papers beside it.
        store: where compressed images are unpacked.
        emit: hears of what is done before it can be read.
        cancel: ends all that goes on.
    """

    path: Path
    announced: Announced
    store: Store
    emit: Emit
    cancel: CancelFlag

    def where_it_lies(self) -> Opened:
        """A raw image; its digest is remembered for as long as nobody touches it."""
        blocks = FileBlocks(self.path)
        watermark = Watermark(blocks.size, is_whole=True)
        if known := self._recalled():
            check_sums(self.path, self.announced.raw, {"sha256": known})
            return Opened(blocks, watermark, Later(lambda: known))
        digest = Later(lambda: self._hash_raw(blocks, watermark))
        # Without a checksum to compare it with, nobody may ever want it.
        checks = (digest.begin(),) if self.announced.raw else ()
        return Opened(blocks, watermark, digest, checks)

    def from_the_store(self) -> Opened | None:
        """A compressed image that was unpacked before; None where it must be unpacked now."""
        packed = self._known_packed()
        note = self.store.find(packed) if packed else None
        if packed is None or note is None:
            return None
        # Sums of other kinds: the file's were compared when it was hashed, the image's are below.
        check_sums(self.path, _only_sha256(self.announced.file), {"sha256": packed.digest})
        check_sums(self.path, _only_sha256(self.announced.raw), {"sha256": note.digest})
        blocks = FileBlocks(self.store.path_of(note.digest))
        watermark = Watermark(blocks.size, is_whole=True)
        proof = in_background(lambda: self._check_kept(blocks, watermark, packed, note))
        return Opened(blocks, watermark, Later(lambda: note.digest), (proof,))

    def on_its_way(self, form: Form) -> Opened:
        """A compressed image that is unpacked into the store from now on."""
        size = self.announced.raw_size
        if size is None:
            with _told_apart(self.path, self.store):
                size = size_of(self.path, form)
        mapped = self.announced.block_map
        stamp = self._stamp()
        draft = self.store.draft(mapped.mapped_bytes if mapped else self.path.stat().st_size, size)
        watermark, blocks = Watermark(), FileBlocks(draft.path)
        unpacked = in_background(lambda: self._unpack(form, draft, watermark))
        if size is None:  # gzip tells no size: nobody can plan a card before its end
            wait_aloud(unpacked, watermark, (self.emit, self.path.name, "unpack"))
            blocks = FileBlocks(draft.path)
        hashed = in_background(lambda: self._hash_packed(watermark))
        kept = in_background(lambda: self._keep(draft, blocks, watermark, hashed, stamp))
        work = (unpacked, hashed)
        return Opened(blocks, watermark, Later(kept.result), (kept,), self.store.folder, work)

    # What is known already.

    def _recalled(self) -> str | None:
        """The digest of the file that was named, if it is remembered and says enough."""
        sums = (*self.announced.file, *self.announced.raw)
        if any(each.algorithm != "sha256" for each in sums):
            return None
        return self.store.recall(self._stamp())

    def _stamp(self) -> Stamp:
        return stamp_of(self.path.stat())

    def _remember(self, stamp: Stamp, digest: str) -> None:
        """Remember what was found, if the file is still the one that was looked at."""
        if self._stamp() != stamp:
            what = f"The image {self.path} was changed while it was in use."
            raise FlasherError("image-changed", what, "Start again with the new image.")
        self.store.remember(stamp, digest)

    def _known_packed(self) -> Packed | None:
        """The compressed image by its contents; it is hashed only if that may tell something."""
        size = self.path.stat().st_size
        digest = self._recalled()
        if digest is None and self.store.may_hold(size):
            with step(self.emit, self.path.name, "check", size, "bytes"):
                digest = self._hash_file()
        return Packed(size, digest) if digest else None

    # What goes on in threads.

    def _hash_raw(self, blocks: FileBlocks, watermark: Watermark) -> str:
        with telling(watermark):
            stamp = self._stamp()
            algorithms = {each.algorithm for each in self.announced.raw}
            sums, _ = hash_image(blocks, watermark, algorithms, self.cancel)
            check_sums(self.path, self.announced.raw, sums)
            self._remember(stamp, sums["sha256"])
            return sums["sha256"]

    def _hash_packed(self, watermark: Watermark) -> str:
        with telling(watermark):
            return self._hash_file()

    def _hash_file(self) -> str:
        """Hash the file that was named, and compare that with what was announced for it."""
        stamp = self._stamp()
        algorithms = {each.algorithm for each in self.announced.file}
        sums = hash_file(self.path, algorithms, self.cancel)
        check_sums(self.path, self.announced.file, sums)
        self._remember(stamp, sums["sha256"])
        return sums["sha256"]

    def _check_kept(
        self, blocks: FileBlocks, watermark: Watermark, packed: Packed, note: Note
    ) -> str:
        with telling(watermark):
            if is_as_noted(blocks, note.pieces, self.cancel):
                self._check_other_sums(blocks, watermark)
                return note.digest
            self.store.forget(packed, note.digest)
            what = f"The copy of {self.path.name} in {self.store.folder} has rotted."
            raise FlasherError("store-damaged", what, "Start again: it is unpacked anew.")

    def _check_other_sums(self, blocks: FileBlocks, watermark: Watermark) -> None:
        if algorithms := {each.algorithm for each in self.announced.raw} - {"sha256"}:
            sums, _ = hash_image(blocks, watermark, algorithms, self.cancel)
            check_sums(self.path, self.announced.raw, sums)

    def _unpack(self, form: Form, draft: Draft, watermark: Watermark) -> None:
        with telling(watermark), draft.discarded_on_error(), _told_apart(self.path, self.store):
            unpack(self.path, form, draft.descriptor, watermark, self.cancel)

    def _keep(
        self,
        draft: Draft,
        blocks: FileBlocks,
        watermark: Watermark,
        hashed: Future[str],
        stamp: Stamp,
    ) -> str:
        """Follow an image to its end, and keep it once it was found right."""
        with telling(watermark), draft.discarded_on_error(), _told_apart(self.path, self.store):
            algorithms = {each.algorithm for each in self.announced.raw}
            sums, pieces = hash_image(blocks, watermark, algorithms, self.cancel)
            check_sums(self.path, self.announced.raw, sums)
            packed = Packed(self.path.stat().st_size, hashed.result())
            self._remember(stamp, packed.digest)
            self.store.keep(draft, packed, sums["sha256"], pieces)
            return sums["sha256"]


def _only_sha256(sums: Iterable[Sum]) -> list[Sum]:
    return [each for each in sums if each.algorithm == "sha256"]


@contextmanager
def telling(watermark: Watermark) -> Iterator[None]:
    """What goes wrong inside is told to all who read."""
    try:
        yield
    except BaseException as error:
        watermark.fail(error)
        raise


@contextmanager
def _told_apart(path: Path, store: Store) -> Iterator[None]:
    """Tell a damaged image from a full disk."""
    try:
        yield
    except DAMAGE:
        what = f"{path} is damaged or was cut off: it cannot be unpacked to its end."
        raise BadInput("image-damaged", what, "Get the image again.") from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise disk_full(store.folder) from None
