"""A card that failed made ready again: its payload tried once more as it is, or replaced.

Only the boot partition changes, in as few bytes as that takes, and each is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from autosetup.payload import FOLDER, LOG, STATUS
from autosetup.status import Status
from flasher.card.plan import ALIGNMENT, boot_partition
from flasher.card.target import BLOCK, Target
from flasher.card.verify import check_same
from flasher.errors import BadInput
from flasher.image.blocks import Blocks, Extent, Overlay
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.ranges import chunks, widen


@dataclass(frozen=True, slots=True)
class Mending:
    """What is to be written: whole aligned blocks, in order."""

    extents: tuple[Extent, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(extent.data) for extent in self.extents)


def plan_again(card: Blocks, failed: Status, modified: datetime) -> Mending:
    """Let the payload that is there be tried once more. Pure.

    Args:
        failed: what the card says now.
        modified: the time that the file gets.
    """
    armed = Status(
        "waiting", failed.node, failed.generation, failed.card_id, failed.image_digest
    ).to_json()
    draft = Overlay(card)
    _volume(draft).write(f"{FOLDER}/{STATUS}", armed, modified=modified)
    return _mending(draft)


def plan_payload(card: Blocks, payload: Mapping[str, bytes], modified: datetime) -> Mending:
    """Put another payload in the place of the one that is there; the log stays. Pure.

    Args:
        payload: the files of the folder, by path in it.
        modified: the time that the files get.

    Raises:
        FlasherError: ``volume-full``.
    """
    draft = Overlay(card)
    volume = _volume(draft)
    files = dict(payload)
    if volume.exists(f"{FOLDER}/{LOG}"):
        files[LOG] = volume.read(f"{FOLDER}/{LOG}")
    if volume.exists(FOLDER):
        volume.remove(FOLDER)
    for name in sorted(files):
        volume.write(f"{FOLDER}/{name}", files[name], modified=modified)
    return _mending(draft)


def mend_card(mending: Mending, target: Target) -> None:
    """Write, and read back what was written.

    Raises:
        CardMismatch: the card holds something else.
        FlasherError: it failed or was pulled out.
    """
    for extent in mending.extents:
        target.write(extent.offset, extent.data)
    target.flush()
    for extent in mending.extents:
        check_same(target, extent.offset, extent.data)


def _volume(draft: Overlay) -> WritableFatVolume:
    boot = boot_partition(draft)
    if boot is None:
        raise BadInput(
            "no-boot-partition",
            "The card has no FAT boot partition to mend.",
            "Prepare it anew: flasher prepare.",
        )
    return WritableFatVolume(draft, boot.offset)


def _mending(draft: Overlay) -> Mending:
    ranges = widen((extent.range for extent in draft.changes()), ALIGNMENT, draft.size)
    parts = chunks(ranges, BLOCK)
    return Mending(tuple(Extent(p.offset, draft.read(p.offset, p.length)) for p in parts))
