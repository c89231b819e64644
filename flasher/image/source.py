"""Images as they come: raw or compressed, used at once while they are still unpacked and checked.

A compressed image is unpacked once, into the store, under the name of its contents' digest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from flasher.errors import BadInput, FlasherError
from flasher.events import NEVER, CancelFlag, Emit, ignore
from flasher.image.background import Later, Watermark, in_background, wait_aloud, wait_for
from flasher.image.blocks import SECTOR, FileBlocks
from flasher.image.bmap import BLOCK_SIZE, BlockMap, Range, check_image
from flasher.image.forms import form_of
from flasher.image.mbr import GPT_PROTECTIVE, Mbr
from flasher.image.opening import Opened, Opening, telling
from flasher.image.papers import Announced, read_papers
from flasher.image.ranges import ByteRange, widen
from flasher.image.store import Store
from flasher.image.usage import UsedBytes


class ImageFile:
    """A raw image to read as `Blocks`, be it still on its way: reading waits for what it needs.

    Attributes:
        source: the file that was named.
        size: bytes of the raw image.
    """

    def __init__(
        self, source: Path, opened: Opened, announced: Announced, cancel: CancelFlag = NEVER
    ) -> None:
        self.source = source
        self.size = opened.blocks.size
        self._opened, self._announced = opened, announced
        # A draft changes while it is filled.
        self._stamp = None if opened.kept_at else opened.blocks.stamp
        block_map = announced.block_map
        self._used = UsedBytes(self, block_map.byte_ranges() if block_map else None)
        self._checks: list[Future[str] | Future[None]] = [*opened.checks]
        if block_map and any(found.checksum for found in block_map.ranges):
            self._checks.append(in_background(lambda: self._check_map(block_map, cancel)))

    @property
    def path(self) -> Path:
        """The raw image's file; that of a compressed one has a passing name until it is proven."""
        kept_at, checks = self._opened.kept_at, self._opened.checks
        if kept_at and all(check.done() and not check.exception() for check in checks):
            return kept_at / f"{checks[0].result()}.img"
        return self._opened.blocks.path

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the raw image; waits for its end where no paper announced it."""
        return self._announced.digest or self._opened.digest.begin().result()

    @property
    def ranges(self) -> Iterable[ByteRange]:
        """The bytes that must be written, in order, found as one goes; the rest was never used."""
        return self._used

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        return self._opened.watermark.is_whole

    @property
    def estimate(self) -> int:
        """How many bytes in `ranges` there may be, without waiting for anything."""
        return self._used.estimate

    def is_at(self, path: Path) -> bool:
        """Whether a path leads to the image itself, raw or packed."""
        with suppress(OSError):
            places = (self._opened.blocks.stat(), self.source.stat())
            return any(os.path.samestat(path.stat(), place) for place in places)
        return False

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on.

        Raises:
            FlasherError: ``image-changed``, where it is not the file that was opened.
            Exception: what went wrong with unpacking or checking it.
        """
        self._await(offset + length)
        return self._opened.blocks.read(offset, length)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` with the bytes from `offset` on; raises as `read`."""
        self._await(offset + len(buffer))
        self._opened.blocks.read_into(offset, buffer)

    def prove(self, cancel: CancelFlag = NEVER) -> None:
        """Return once every check of the image has ended well; a card is not finished before.

        Raises:
            BadInput: it is damaged, or not what its checksums say.
            FlasherError: ``image-changed``; ``store-damaged``; ``disk-full``.
            Cancelled: as asked.
        """
        for check in self._checks:
            wait_for(check, cancel)
        self._await(0)

    def learn_digest(self, *, emit: Emit = ignore, cancel: CancelFlag = NEVER) -> str:
        """The digest; if it must be waited for, that is told."""
        if not self._announced.digest:
            aloud = (emit, self.source.name, "check")
            wait_aloud(self._opened.digest.begin(), self._opened.watermark, aloud, cancel)
        return self.digest

    def _check_map(self, block_map: BlockMap, cancel: CancelFlag) -> None:
        with telling(self._opened.watermark):
            check_image(self, block_map, cancel)

    def _await(self, end: int) -> None:
        self._opened.watermark.wait(min(end, self.size))
        if self._stamp is None and self._opened.watermark.is_whole:
            self._stamp = self._opened.blocks.stamp_now()
        if self._stamp and self._opened.blocks.stamp_now() != self._stamp:
            what = f"The image {self._opened.blocks.path} was changed while it was in use."
            raise FlasherError("image-changed", what, "Start again with the new image.")


def open_image(path: Path, *, emit: Emit = ignore, cancel: CancelFlag = NEVER) -> ImageFile:
    """Open an image after the checks that take no time; the others go on meanwhile (`prove`).

    A compressed one is unpacked into the store meanwhile, or taken from there. What lies beside it
    and speaks of it is enforced: `read_papers`.

    Args:
        path: ``.img``, or that compressed with zstd, xz, gzip or zip; told apart by contents.
        emit: hears of what must be done before it can be read.
        cancel: ends what goes on meanwhile, too.

    Raises:
        BadInput: it is no image, damaged, cut off, or not what its checksums say, as far as that
            can be seen at once.
        Cancelled: nothing is left half made.
    """
    form = form_of(path)
    announced = read_papers(path, is_packed=form is not None)
    opening = Opening(path, announced, Store(), emit, cancel)
    if form is None:
        opened = opening.where_it_lies()
    else:
        opened = opening.from_the_store() or opening.on_its_way(form)
    try:
        image = ImageFile(path, opened, announced, cancel)
        _check_size(image, announced)
        _check_partitions(image, announced.block_map)
    except BaseException as error:
        opened.abandon(error)
        raise
    return image


def made_image(path: Path, used: Iterable[ByteRange]) -> ImageFile:
    """A raw image that was made here and is to be written at once; it has no digest.

    Args:
        used: the bytes that were filled; those that its file systems use come on top.
    """
    blocks = FileBlocks(path)
    ranges = tuple(
        Range(found.offset // BLOCK_SIZE, (found.end - 1) // BLOCK_SIZE)
        for found in widen(used, BLOCK_SIZE, blocks.size)
    )
    opened = Opened(blocks, Watermark(blocks.size, is_whole=True), Later(lambda: ""))
    return ImageFile(path, opened, Announced(block_map=BlockMap(blocks.size, BLOCK_SIZE, ranges)))


def _check_size(image: ImageFile, announced: Announced) -> None:
    if image.size < SECTOR:
        what = f"{image.source} has {image.size} bytes: that is no image."
        raise BadInput("no-image", what, "Choose another file, or get the image again.")
    if announced.raw_size not in (None, image.size):
        what = "block map" if announced.block_map else "entry in a list beside it"
        raise BadInput(
            "bmap-mismatch" if announced.block_map else "checksum-mismatch",
            f"The image has {image.size} bytes, its {what} says {announced.raw_size}.",
            "Get the image and what lies beside it again, all together.",
        )


def _check_partitions(image: ImageFile, block_map: BlockMap | None) -> None:
    """An image holds all its partitions; one without any is whole sectors, or has a map."""
    try:
        partitions = Mbr.from_bytes(image.read(0, SECTOR)).partitions
    except BadInput as error:
        if block_map is None and image.size % SECTOR:
            what = f"{image.source} has no partition table (MBR) in its first sector."
            raise BadInput(error.code, what, "Choose an image of a whole card.") from None
        return
    for partition in partitions:
        end = partition.offset + partition.size
        if end > image.size and partition.type != GPT_PROTECTIVE:
            raise BadInput(
                "image-cut-off",
                f"{image.source} was cut off: partition {partition.slot} ends at byte {end}, "
                f"the image at byte {image.size}.",
                "Get the image again.",
            )
