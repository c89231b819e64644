"""The plan of a card: base image ⊕ patch. Pure but for reading the image; nothing is mounted."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from autosetup.payload import FOLDER, NO_AGENT
from flasher.card.unfinished import NOBODY, Whose
from flasher.errors import BadInput
from flasher.image.blocks import SECTOR, Blocks, Extent, Overlay
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.mbr import FAT_TYPES, GPT_PROTECTIVE, Mbr, Partition
from flasher.image.ranges import ByteRange, merge, overlap, total
from flasher.image.source import ImageFile
from flasher.image.usage import merged

HEAD = 1 << 20
ALIGNMENT = 4096
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
# Of the 3DScanner project: run at each start where its file is, it renames the node and may delete
# the payload's folder.
_BOOTER = "booter.sh"


@dataclass(frozen=True, slots=True)
class CardPlan:
    """What a card must hold.

    Attributes:
        image: the base image.
        patch: where the card differs from it, in order.
        always: what is written in any case: the first MiB, and what the patch changes.
        whose: the node that it is for, which the card says until it is whole.
    """

    image: ImageFile
    patch: tuple[Extent, ...]
    always: tuple[ByteRange, ...]
    whose: Whose = NOBODY

    @property
    def size(self) -> int:
        """Bytes that a card must have at least."""
        return self.image.size

    @property
    def ranges(self) -> Iterable[ByteRange]:
        """The bytes that are written and read back, in order, in units of 4 KiB.

        What the image uses (`flasher.image.usage`) is always among them: nothing of a card's former
        life may shine through. While the image is still being unpacked, going on waits for it.
        """
        return _Ranges(self)

    @property
    def expected(self) -> int:
        """Bytes in `ranges`; an estimate while the image is still being unpacked."""
        return total(self.ranges) if self.image.is_whole else self.image.estimate

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` with the bytes that the card must hold from `offset` on."""
        self.image.read_into(offset, buffer)
        wanted = ByteRange(offset, len(buffer))
        first = max(bisect_right(self.patch, offset, key=lambda extent: extent.offset) - 1, 0)
        for extent in self.patch[first:]:
            if extent.offset >= wanted.end:
                break
            if both := overlap(extent.range, wanted):
                part = extent.data[both.offset - extent.offset :][: both.length]
                buffer[both.offset - offset : both.end - offset] = part

    def read(self, offset: int, length: int) -> bytes:
        """The bytes that the card must hold there."""
        data = bytearray(length)
        self.read_into(offset, memoryview(data))
        return bytes(data)


def plan_card(
    image: ImageFile, payload: Mapping[str, bytes] | None, *, modified: datetime = _EPOCH
) -> CardPlan:
    """Plan a card. Same arguments, same plan.

    Args:
        image: the base image.
        payload: the files of the folder `autosetup/`, by path in it; it replaces a folder that the
            image has. None leaves the image as it is, be it with partitions or without.
        modified: the time that the files get.

    Raises:
        BadInput: the image has no FAT16 or FAT32 boot partition to put the payload on, no agent, or
            another one that would fight it.
        FlasherError: ``volume-full``, ``fat-damaged``.
    """
    patch = _patch(image, payload, modified) if payload is not None else ()
    head = ByteRange(0, min(HEAD, image.size))
    return CardPlan(image, patch, merge([head, *(extent.range for extent in patch)]))


@dataclass(frozen=True, slots=True)
class _Ranges:
    """The ranges of a plan, found anew each time."""

    plan: CardPlan

    def __iter__(self) -> Iterator[ByteRange]:
        size = self.plan.size
        for found in merged(heapq.merge(self.plan.always, self.plan.image.ranges), ALIGNMENT):
            yield ByteRange(found.offset, min(found.end, size) - found.offset)


def boot_partition(blocks: Blocks) -> Partition | None:
    """The boot partition: the first one of a FAT type; None where there is none.

    Raises:
        BadInput: ``no-partition-table``.
    """
    sector = blocks.read(0, min(SECTOR, blocks.size)).ljust(SECTOR, b"\0")
    partitions = Mbr.from_bytes(sector).partitions
    return next((found for found in partitions if found.type in FAT_TYPES), None)


def _patch(
    image: ImageFile, payload: Mapping[str, bytes], modified: datetime
) -> tuple[Extent, ...]:
    boot = boot_partition(image)
    if boot is None:
        partitions = Mbr.from_bytes(image.read(0, SECTOR)).partitions
        raise _no_boot_partition(partitions)
    draft = Overlay(image)
    volume = WritableFatVolume(draft, boot.offset)
    if volume.exists(NO_AGENT):
        raise BadInput(
            "no-agent",
            f"Nothing in this image would set a node up. {volume.read(NO_AGENT).decode().strip()}",
            "Build the image from a newer system, Debian 12 for one, or write it as it is: "
            "`flasher write`.",
        )
    if volume.exists(_BOOTER):
        raise BadInput(
            "foreign-booter",
            f"This image sets itself up: its {_BOOTER} would rename the node, and delete the "
            f"folder {FOLDER} with the node's settings.",
            f"Delete {_BOOTER} from the image's boot partition, or name the image in a recipe and "
            "build it anew: `flasher build-base`.",
        )
    if volume.exists(FOLDER):
        volume.remove(FOLDER)
    for name in sorted(payload):
        volume.write(f"{FOLDER}/{name}", payload[name], modified=modified)
    return draft.changes()


def _no_boot_partition(partitions: Iterable[Partition]) -> BadInput:
    kinds = [found.type for found in partitions]
    if GPT_PROTECTIVE in kinds:
        what = "The image has a GPT, not the MBR that every Raspberry Pi's boot ROM reads."
    else:
        what = "The image has no FAT boot partition to put the node's settings on."
    return BadInput("no-boot-partition", what, "Build an image with `flasher build-base`.")
