"""What differs on a card that was used since: what that explains, and what it does not.

A file system does not tell who mounted it: only what a node said proves that it was one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from autosetup.payload import FOLDER, LOG, STATUS
from autosetup.secrets_file import SECRETS, is_redacted
from flasher.card.inspect import CardReport, inspect_card, payload_files
from flasher.card.memory import BLOCK
from flasher.card.plan import HEAD, boot_partition
from flasher.card.record import open_volume
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, check_cancelled, step
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.fat import FatVolume
from flasher.image.mbr import FAT_TYPES, LINUX, Mbr, Partition, has_table
from flasher.image.ranges import ByteRange, chunks, gaps, merge, overlap
from flasher.image.source import ImageFile

# What a node that was told boot settings marks its own lines with (autosetup/steps/boot.py).
_OURS = b"# autosetup begins"
_SETTINGS = {"config.txt", "cmdline.txt"}
_TABLE = ByteRange(440, SECTOR - 440)  # the disk's id and the table, compared by what they say


@dataclass(frozen=True, slots=True)
class Lived:
    """How a card differs from what was written, by place; sentences without a full stop.

    Attributes:
        explained: what nodes do to their cards.
        unexplained: what they do not.
        was_in_a_pi: whether a node said so; else another computer may have mounted the card.
    """

    explained: tuple[str, ...]
    unexplained: tuple[str, ...]
    was_in_a_pi: bool


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    explained: bool


def has_lived(image: Blocks, card: Blocks) -> bool:
    """Whether a card was in a Pi since it was made from an image, or mounted elsewhere."""
    if not has_table(image):  # no image for nodes
        return False
    partitions = Mbr.from_bytes(image.read(0, SECTOR)).partitions
    was_mounted = any(_was_mounted(image, card, each) for each in partitions)
    return was_mounted or _was_in_a_pi(card, inspect_card(card))


def compare_lived(image: ImageFile, card: Blocks, *, emit: Emit, cancel: CancelFlag) -> Lived:
    """Compare a card that was in use, as `has_lived` tells, with the image that it was made from.

    File systems that were mounted may have been written to, and are not looked into; the boot
    partition is compared file by file, its payload by the manifest, and all outside of partitions
    by bytes.

    Raises:
        BadInput: ``another-image``, it was made from another one; ``no-partition-table``.
        Cancelled: as asked.
    """
    report = inspect_card(card)
    if report.manifest and report.manifest.image_digest != image.digest:
        told = report.manifest.image_digest[:16]
        raise BadInput(
            "another-image",
            f"The card was made from image {told}, this is {image.digest[:16]}.",
            "Name the image that it was written from with --image.",
        )
    with step(emit, report.node or report.summary, "compare"):
        found = [*_table(image, card), *_outside(image, card, cancel)]
        for partition in Mbr.from_bytes(image.read(0, SECTOR)).partitions:
            check_cancelled(cancel, "Comparing the card")
            found += _partition(image, card, partition, cancel)
    problems = [_Found(f"the payload: {told}", explained=False) for told in report.damage]
    return Lived(
        tuple(each.text for each in found if each.explained),
        tuple(each.text for each in (*found, *problems) if not each.explained),
        _was_in_a_pi(card, report),
    )


def _was_in_a_pi(card: Blocks, report: CardReport) -> bool:
    """Whether a node left its words, on the boot partition or in its own record."""
    if report.status:
        return True
    boot = next((found for found in report.partitions if found.type in FAT_TYPES), None)
    if boot is None:
        return False
    try:
        return not payload_files(FatVolume(card, boot.offset)).keys().isdisjoint({STATUS, LOG})
    except FlasherError:
        return False


def _table(image: Blocks, card: Blocks) -> Iterator[_Found]:
    before, now = Mbr.from_bytes(image.read(0, SECTOR)), Mbr.from_bytes(card.read(0, SECTOR))
    if before == now:
        return
    last = before.partitions[-1:]
    rest_is_same = before.partitions[:-1] == now.partitions[: len(before.partitions) - 1]
    grown = [found for found in now.partitions if last and _is_grown(last[0], found)]
    is_ours = before.disk_id == now.disk_id and len(before.partitions) == len(now.partitions)
    if is_ours and rest_is_same and grown:
        text = f"the partition table: partition {grown[0].slot} was grown to the card's end"
        yield _Found(text, explained=True)
    else:
        yield _Found("the partition table was changed", explained=False)


def _is_grown(before: Partition, now: Partition) -> bool:
    same = (before.slot, before.type, before.offset) == (now.slot, now.type, now.offset)
    return same and now.size >= before.size


def _outside(image: ImageFile, card: Blocks, cancel: CancelFlag) -> Iterator[_Found]:
    """What lies in no partition: boot code, and loaders behind the table."""
    table = Mbr.from_bytes(image.read(0, SECTOR)).partitions
    inside = merge(ByteRange(found.offset, found.size) for found in table)
    between = gaps(merge([_TABLE, *inside]), image.size)
    written = [ByteRange(0, min(HEAD, image.size)), *image.ranges]
    for gap in between:
        common = merge(both for found in written if (both := overlap(gap, found)))
        for where in _different(image, card, common, cancel):
            yield _Found(f"outside of the partitions: {where} differ", explained=False)


def _different(
    image: Blocks, card: Blocks, ranges: Iterable[ByteRange], cancel: CancelFlag
) -> Iterator[ByteRange]:
    for part in chunks(ranges, BLOCK):
        check_cancelled(cancel, "Comparing the card")
        if image.read(part.offset, part.length) != card.read(part.offset, part.length):
            yield part


def _partition(
    image: ImageFile, card: Blocks, partition: Partition, cancel: CancelFlag
) -> Iterator[_Found]:
    name = f"partition {partition.slot}"
    if partition == boot_partition(image):
        yield from _boot(FatVolume(image, partition.offset), card, partition.offset, name)
        return
    if _was_mounted(image, card, partition):
        text = f"{name}: mounted since, by its node or by another computer; not compared"
        yield _Found(text, explained=True)
        return
    whole = ByteRange(partition.offset, partition.size)
    written = merge(both for found in image.ranges if (both := overlap(whole, found)))
    for where in _different(image, card, written, cancel):
        yield _Found(f"{name}: {where} differ, and it was not mounted since", explained=False)


def _was_mounted(image: Blocks, card: Blocks, partition: Partition) -> bool:
    """Whether an ext4 file system was mounted since it was made; no other kind tells."""
    return _mounts(card, partition) > _mounts(image, partition)


def _mounts(blocks: Blocks, partition: Partition) -> int:
    if partition.type != LINUX:
        return 0
    try:
        return open_volume(blocks, partition.offset).mounts
    except FlasherError:
        return 0


def _boot(wanted: FatVolume, card: Blocks, offset: int, name: str) -> Iterator[_Found]:
    try:
        volume = FatVolume(card, offset)
        before, now = _files(wanted), _files(volume)
    except FlasherError as error:
        yield _Found(f"{name}: {error.message}", explained=False)
        return
    changes = [
        (_explanation(path, volume), path)
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]
    for why, group in groupby(sorted(changes), key=lambda change: change[0]):
        paths = ", ".join(path for _, path in group)
        told = why or "changed by an update of the system, or by somebody"
        yield _Found(f"{name}: {paths} ({told})", explained=bool(why))


def _files(volume: FatVolume) -> dict[str, bytes]:
    """All files but the payload's, which its manifest tells; those that a node writes there too."""
    found = {path: each for path, each in volume.walk() if not each.is_folder}
    own = {f"{FOLDER}/{name}" for name in (STATUS, LOG)}
    names = [path for path in found if not path.startswith(f"{FOLDER}/") or path in own]
    secrets = f"{FOLDER}/{SECRETS}"
    erased = secrets in found and is_redacted(volume.read(secrets))
    return {path: volume.read(path) for path in (*names, *([secrets] if erased else []))}


def _explanation(path: str, card: FatVolume) -> str:
    """Why a node changes a file; empty where it does not."""
    if path == f"{FOLDER}/{SECRETS}":
        return "erased after use"
    if path.startswith(f"{FOLDER}/"):
        return "the node's words"
    if path in _SETTINGS and card.exists("config.txt") and _OURS in card.read("config.txt"):
        return "the node's boot settings"
    return ""
