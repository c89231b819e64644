"""Autopsy: what a card says of itself, without mounting it. Damage is reported, never raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autosetup.faults import Fault, Faulty
from autosetup.manifest import SIGNATURE, read_manifest
from autosetup.payload import FOLDER, LOG, MANIFEST, STATUS, Manifest, is_litter, unpack
from autosetup.secrets_file import SECRETS, is_redacted
from autosetup.status import Status
from autosetup.trust import Signature, look_if_possible
from flasher.card.record import Traces, read_traces
from flasher.card.unfinished import Whose, unfinished_in
from flasher.drives.model import HALF_MADE, NO_TABLE
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.bmap import any_set
from flasher.image.fat import FatVolume
from flasher.image.mbr import FAT_TYPES, Mbr, Partition
from flasher.image.structure import Structure, at

_HEAD = 1 << 20
_SAMPLES, _SAMPLE = 64, 4096
_EXT_MAGIC = 0xEF53


@dataclass(frozen=True, slots=True)
class CardReport:
    """What is on a card.

    Attributes:
        summary: one phrase: ``empty``, ``cam-0103, done``, ``2 partitions: bootfs, rootfs``.
        partitions: by slot.
        manifest: of the payload; None where there is none, or none that can be read.
        status: what the node said of itself; None before its first boot.
        signature: who signed the payload; None where there is none.
        is_writable: whether there is a boot partition whose files can be read, and replaced.
        problems: what is wrong, each one line or more.
        started: whether a node has lived on it.
        from_record: whether the status is not the boot partition's, which has none, but from the
            agent's own record on the root file system.
        unfinished: whose card it becomes, if making it was begun and never ended.
    """

    summary: str
    partitions: tuple[Partition, ...] = ()
    manifest: Manifest | None = None
    status: Status | None = None
    problems: tuple[str, ...] = ()
    started: bool = False
    from_record: bool = False
    signature: Signature | None = None
    is_writable: bool = True
    unfinished: Whose | None = None

    @property
    def is_ours(self) -> bool:
        """Whether this card was prepared for a node."""
        return self.manifest is not None

    @property
    def damage(self) -> tuple[str, ...]:
        """The problems that a node does not mend by itself, as it does its status."""
        return tuple(told for told in self.problems if not told.startswith(f"{STATUS}:"))

    @property
    def node(self) -> str | None:
        """Name of the node it is for, or was when it said something last."""
        return _node_of(self.manifest, self.status)

    @property
    def generations(self) -> tuple[int, ...]:
        """Those that the node has tried, as far as it said."""
        status = self.status
        tried = (status.generation, status.failed_generation) if status else ()
        return tuple(generation for generation in tried if generation)

    @property
    def is_untried(self) -> bool:
        """Whether the payload was put there after all that the node said."""
        if self.manifest is None or not self.from_record:
            return False
        return self.manifest.generation > max(self.generations, default=self.manifest.generation)


@dataclass(frozen=True, slots=True)
class _ExtName(Structure):
    """ext2/3/4's mark and label in its superblock (Linux, Documentation/filesystems/ext4)."""

    magic: int = at(0x438, "H")
    between: bytes = at(0x43A, "62s")
    label: bytes = at(0x478, "16s")


def describe(blocks: Blocks) -> str:
    """What is on a drive, in one phrase."""
    return inspect_card(blocks).summary


def card_id_on(path: Path) -> str:
    """Id of our card in a drive, or in a file; empty for any other, and where it cannot be read."""
    with suppress(FlasherError, OSError), drive_blocks(path, ask=False) as blocks:
        manifest = inspect_card(blocks).manifest
        return manifest.card_id if manifest else ""
    return ""


def inspect_card(blocks: Blocks) -> CardReport:
    """Look at a card or an image of one."""
    try:
        partitions = Mbr.from_bytes(blocks.read(0, SECTOR)).partitions
    except FlasherError as error:
        return _without_table(blocks, error)
    boot = next((found for found in partitions if found.type in FAT_TYPES), None)
    if boot is None:
        return CardReport(_foreign(blocks, partitions), partitions)
    try:
        files = payload_files(FatVolume(blocks, boot.offset))
    except FlasherError as error:
        report = _without_payload(blocks, partitions, str(error))
        return replace(report, is_writable=False)
    return _ours(blocks, partitions, files) if files else _without_payload(blocks, partitions)


def _without_payload(
    blocks: Blocks, partitions: tuple[Partition, ...], problem: str = ""
) -> CardReport:
    """Somebody else's card, unless a node that lived on it still says whose it is."""
    said = read_traces(blocks, partitions).status
    if said is None or said.node is None:
        problems = (problem,) if problem else ()
        return CardReport(_foreign(blocks, partitions), partitions, problems=problems)
    return CardReport(
        f"{said.node}, {said.state}",
        partitions,
        status=said,
        problems=(problem or f"There is no folder {FOLDER} on the boot partition.",),
        started=True,
        from_record=True,
    )


def _without_table(blocks: Blocks, error: FlasherError) -> CardReport:
    if error.code == "no-partition-table" and not _looks_blank(blocks):
        whose = _unfinished(blocks)
        holds = f"{HALF_MADE}{whose.node}" if whose and whose.node else NO_TABLE
        return CardReport(holds, problems=(error.message,), unfinished=whose)
    if error.code == "no-partition-table" or not blocks.size:
        return CardReport("empty")
    return CardReport("unreadable", problems=(error.message,))


def _unfinished(blocks: Blocks) -> Whose | None:
    with suppress(FlasherError):
        return unfinished_in(_head(blocks))
    return None


def _head(blocks: Blocks) -> bytes:
    return blocks.read(0, min(_HEAD, blocks.size))


def _looks_blank(blocks: Blocks) -> bool:
    """Whether the first MiB, and samples all over, hold nothing but zeros (or nothing but ones)."""
    try:
        parts = [_head(blocks), *_samples(blocks)]
    except FlasherError:
        return False
    return not any(map(any_set, parts)) or all(part.count(0xFF) == len(part) for part in parts)


def _samples(blocks: Blocks) -> Iterator[bytes]:
    for number in range(1, _SAMPLES + 1):
        offset = max(blocks.size * number // _SAMPLES - _SAMPLE, 0)
        yield blocks.read(offset, min(_SAMPLE, blocks.size - offset))


def payload_files(volume: FatVolume) -> dict[str, bytes]:
    """The files of the folder `autosetup/`, by path in it; none where there is no such folder."""
    if not volume.exists(FOLDER):
        return {}
    walked = [path for path, found in volume.walk(FOLDER) if not found.is_folder]
    names = [path.removeprefix(f"{FOLDER}/") for path in walked]
    return {name: volume.read(f"{FOLDER}/{name}") for name in names if not is_litter(name)}


def _ours(blocks: Blocks, partitions: tuple[Partition, ...], files: dict[str, bytes]) -> CardReport:
    problems: list[Fault] = []
    manifest = status = None
    try:
        status = Status.from_json(files[STATUS]) if STATUS in files else None
    except Faulty as faulty:
        spoiled = replace(faulty.faults[0], remedy="The node writes it anew when it starts.")
        problems.append(spoiled)
    traces = Traces(started=True) if status else read_traces(blocks, partitions)
    said = status or traces.status
    try:
        unpack({name: data for name, data in files.items() if name not in (STATUS, LOG)})
    except Faulty as faulty:
        problems += [fault for fault in faulty.faults if not _is_erased(fault, files, said)]
    signature = look_if_possible(files)
    if signature.kind == "wrong":
        problems.append(Fault(SIGNATURE, 0, 0, f"{signature}.", "Prepare the card again."))
    with suppress(Faulty):  # `unpack` told what is wrong with it
        manifest = read_manifest(files[MANIFEST]) if MANIFEST in files else None
    return CardReport(
        _our_summary(manifest, said, traces),
        partitions,
        manifest,
        said,
        tuple(map(str, problems)),
        traces.started,
        from_record=said is not None and status is None,
        signature=signature,
    )


def _is_erased(fault: Fault, files: dict[str, bytes], status: Status | None) -> bool:
    """Whether a fault only says that a node, once done, has erased its secrets, as it must."""
    done = status is not None and status.state in ("done", "rolled-back")
    return done and fault.file == SECRETS and is_redacted(files.get(SECRETS, b""))


def _our_summary(manifest: Manifest | None, status: Status | None, traces: Traces) -> str:
    node = _node_of(manifest, status) if manifest else "a payload that cannot be read"
    silent = "started, and its agent said nothing" if traces.started else "not booted yet"
    return f"{node}, {status.state if status else silent}"


def _node_of(manifest: Manifest | None, status: Status | None) -> str | None:
    """What was released for a card is newer than what it has, and may be for another node."""
    if manifest is None or status is None:
        return manifest.node if manifest else status.node if status else None
    is_same = status.card_id == manifest.card_id
    is_released = is_same and (status.generation or 0) > manifest.generation
    return status.node if is_released else manifest.node


def _foreign(blocks: Blocks, partitions: tuple[Partition, ...]) -> str:
    count = len(partitions)
    if not count:
        return "an empty partition table"
    names = ", ".join(_label(blocks, found) for found in partitions)
    return f"{count} partition{'s' if count > 1 else ''}: {names}"


def _label(blocks: Blocks, partition: Partition) -> str:
    """A partition's label, else its type."""
    try:
        if partition.type in FAT_TYPES:
            return _plain(FatVolume(blocks, partition.offset).label) or partition.type_name
        found = _ExtName.from_bytes(blocks.read(partition.offset, 2048))
    except FlasherError:
        return partition.type_name
    label = found.label.partition(b"\0")[0].decode(errors="replace")
    return (_plain(label) if found.magic == _EXT_MAGIC else "") or partition.type_name


def _plain(label: str) -> str:
    """Printable characters only: a label must not rearrange a screen."""
    return "".join(c for c in label if c.isprintable()).strip()
