"""Writing a planned card, and proving it.

The partition table goes first, zeroed, and comes last: a half-written card never looks good, and
a reused one neither. What a card holds already is read, and not written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from flasher.card.ahead import filled
from flasher.card.device import Device
from flasher.card.faults import condemned, counterfeit
from flasher.card.looking import Looking
from flasher.card.memory import BLOCK, UNIT, Pages, differences
from flasher.card.plan import HEAD, CardPlan
from flasher.card.proof import Proof
from flasher.card.target import Target
from flasher.card.unfinished import Whose, mark
from flasher.errors import BadInput, FlasherError, Refused
from flasher.events import NEVER, CancelFlag, Emit, Noted, Progress, check_cancelled, ignore, step
from flasher.image.blocks import SECTOR
from flasher.image.ranges import ByteRange, chunks, gaps, merge, split, total


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A card that holds what it must, every byte of it read from the card itself.

    Attributes:
        bytes_written: with what was written twice, and the wiping of partition tables.
        bytes_kept: that were right already.
        bytes_read: all that was read, to compare and to prove.
        verified: where every byte was found right.
        mended: where it was right only the second time.
        seconds: of all of it; `write_seconds` of them until all was written, but the first MiB.
        write_speed, read_speed: of the drive, MB/s (10⁶ bytes); 0 where nothing was measured.
    """

    bytes_written: int
    bytes_kept: int
    bytes_read: int
    verified: tuple[ByteRange, ...]
    mended: tuple[ByteRange, ...]
    seconds: float
    write_seconds: float
    write_speed: float
    read_speed: float

    @property
    def bytes_verified(self) -> int:
        """Bytes that were found right, those kept among them."""
        return total(self.verified)


def write_card(
    plan: CardPlan,
    target: Target,
    *,
    emit: Emit = ignore,
    cancel: CancelFlag = NEVER,
    probed: bool = False,
) -> WriteResult:
    """Make a card what is planned: compare, write what differs, read that back, mend it.

    Args:
        plan: what it must hold; its ranges may still be in the making.
        target: the card, held open.
        emit: told of the steps ``write``, where what was right counts as done, and ``verify``.
        cancel: looked at between blocks.
        probed: whether the card is known to have the room that it announces. Otherwise what was
            right before other places were written is read once more.

    Raises:
        BadInput: it is too small, or the image is not what it should be.
        Refused: the target is the image itself.
        CardMismatch: the card does not hold it, also when written again; says whose fault it is.
        Cancelled: it was stopped; the card has no partition table then, and can be gone on with.
        FlasherError: the card failed, was pulled out, is locked …
    """
    _check(plan, target)
    return _Writing(plan, target, emit, cancel).run(probed=probed)


def wipe_tables(plan: CardPlan, target: Target, *, emit: Emit = ignore) -> None:
    """Take a card's partition tables away, as `write_card` does first.

    For what overwrites a card before that: a card that is stopped in between must not look good.

    Raises:
        CardMismatch: it keeps them.
        FlasherError: the card failed, was pulled out, is locked …
    """
    _check(plan, target)
    _Writing(plan, target, emit, NEVER).wipe()


class _Writing:
    """One card being written."""

    def __init__(self, plan: CardPlan, target: Target, emit: Emit, cancel: CancelFlag) -> None:
        self._plan, self._emit, self._cancel = plan, emit, cancel
        self._subject = str(target.path)
        self._what = f"Writing {target.path}, which now has no partition table,"
        self._head = ByteRange(0, min(HEAD, plan.size))
        self._device = Device(target, self._warn)
        found = Pages()
        self._looking = Looking(self._device, found)
        self._proof = Proof(self._device, found, self._warn)
        self._touched, self._discarded = 0, 0
        self._first_mib = Pages(HEAD)
        plan.read_into(0, self._first_mib.view[: self._head.length])
        self._wiped = _unfinished(self._first_mib, self._head.length, plan.whose)
        self._written: list[ByteRange] = []
        self._kept: list[ByteRange] = []

    def run(self, *, probed: bool) -> WriteResult:
        """Body, proof, head; `probed` as in `write_card`."""
        begun = time.monotonic()
        with step(self._emit, self._subject, "write", self._plan.expected, "bytes") as progress:
            self.wipe()
            self._write_body(progress)
            progress.reach(max(progress.done, self._plan.expected))
        written_at = time.monotonic()
        to_prove = self._to_prove(probed=probed)
        size = total(to_prove) + self._head.length
        with step(self._emit, self._subject, "verify", size, "bytes") as progress:
            self._prove_body(to_prove, progress)
            self._plan.image.prove(self._cancel)
            check_cancelled(self._cancel, self._what)
            self._write_head()
            progress.advance(self._head.length)
        device = self._device
        return WriteResult(
            bytes_written=device.written.bytes,
            bytes_kept=total(self._kept),
            bytes_read=device.read.bytes,
            verified=merge([self._head, *self._written, *self._kept]),
            mended=tuple(self._proof.mended),
            seconds=time.monotonic() - begun,
            write_seconds=written_at - begun,
            write_speed=device.written.speed,
            read_speed=device.read.speed,
        )

    def wipe(self) -> None:
        """Take care that no partition table is on the card any more, whatever comes."""
        self._wipe_tables()
        self._proof.check(self._head, self._wiped)

    def _wipe_tables(self) -> None:
        """Take off the partition table, and the spare copy that a GPT keeps at a drive's end."""
        runs = self._looking.differing(self._head, self._wiped)
        self._write_runs(self._head, self._wiped, runs)
        last = max(self._device.size - HEAD, self._plan.size)
        if last < self._device.size:
            self._zero(ByteRange(last, self._device.size - last))
        self._device.flush()

    def _zero(self, where: ByteRange) -> None:
        zeros = Pages()
        for part in chunks([where], BLOCK):
            self._write_runs(part, zeros, self._looking.differing(part, zeros))

    def _write_runs(self, part: ByteRange, wanted: Pages, runs: Iterable[ByteRange]) -> None:
        for run in runs:
            self._device.write(part.offset + run.offset, wanted.view[run.offset : run.end])

    def _write_body(self, progress: Progress) -> None:
        self._device.discard(self._plan.size, self._device.size)
        is_late = not self._plan.image.is_whole  # what is unused is known only as it comes
        if not is_late:
            for gap in gaps([self._head, *self._body()], self._plan.size):
                self._device.discard(gap.offset, gap.end)
        end = self._head.end
        for part, wanted in self._filled(self._body()):
            if is_late:
                self._discard_late(end, part.offset)
            self._put(part, wanted)
            self._device.flush_if_due()
            progress.advance(part.length)
            end = part.end
        if is_late:
            self._discard_late(end, self._plan.size)
        self._device.flush()

    def _put(self, part: ByteRange, wanted: Pages) -> None:
        runs = self._looking.to_write(part, wanted)
        self._write_runs(part, wanted, runs)
        _add(self._written, part.offset, runs)
        _add(self._kept, part.offset, gaps(runs, part.length))
        if runs:
            self._touched = part.end

    def _discard_late(self, first: int, end: int) -> None:
        """Some drives discard more than they are told: what was compared before is read again."""
        if self._device.discard(first, end):
            self._discarded = first

    def _to_prove(self, *, probed: bool) -> tuple[ByteRange, ...]:
        """What was written; and what may have been hit by that, where a card may be smaller."""
        before = self._discarded if probed else max(self._touched, self._discarded)
        return merge([*self._written, *split(self._kept, before)[0]])

    def _prove_body(self, ranges: tuple[ByteRange, ...], progress: Progress) -> None:
        for part, wanted in self._filled(chunks(ranges, BLOCK)):
            self._proof.check(part, wanted)
            progress.advance(part.length)
        mended = [found for found in self._proof.mended if found.offset >= self._head.end]
        for part, wanted in self._filled(chunks(mended, BLOCK)):
            if not self._proof.is_right(part, wanted):
                raise condemned(self._device.path, f"{part} were mended, and are wrong again.")

    def _write_head(self) -> None:
        """The first MiB last, once the image and all else on the card are proven."""
        head, wiped = self._first_mib, self._wiped
        is_right = self._proof.is_right
        if not (is_right(self._head, wiped) or is_right(self._head, wiped)):  # not misread once
            raise counterfeit(self._device.path, self._head)
        try:
            table, behind = split(differences(head, wiped, self._head.length), UNIT)
            for runs in (behind, table):
                self._write_runs(self._head, head, runs)
                self._device.flush()
            self._proof.check(self._head, head)
        except BaseException:
            with suppress(FlasherError):  # what went wrong first is what must be heard
                self._wipe_tables()
            raise

    def _body(self) -> Iterator[ByteRange]:
        for found in self._plan.ranges:
            first = max(found.offset, self._head.end)
            if first < found.end:
                yield from chunks([ByteRange(first, found.end - first)], BLOCK)

    def _filled(self, parts: Iterable[ByteRange]) -> Iterator[tuple[ByteRange, Pages]]:
        return filled(self._plan.read_into, parts, self._cancel, self._what)

    def _warn(self, text: str) -> None:
        self._emit(Noted(self._subject, text, warning=True))


def _unfinished(head: Pages, length: int, whose: Whose) -> Pages:
    """What stands in the first MiB until the card is whole: no table, and where it will hold
    something, marks. They show up elsewhere on a card whose addresses repeat."""
    wiped = Pages(HEAD)
    line = mark(whose)
    for start in range(0, length, UNIT):
        size = min(UNIT, length - start)
        if not head.is_uniform(start, size):
            wiped.view[start : start + size] = (line * (UNIT // len(line) + 1))[:size]
    wiped.view[: min(SECTOR, length)] = bytes(min(SECTOR, length))
    return wiped


def _add(ranges: list[ByteRange], offset: int, runs: Iterable[ByteRange]) -> None:
    """Put runs of the block at `offset` behind the ranges, which are in order and never touch."""
    for run in runs:
        found = ByteRange(offset + run.offset, run.length)
        if ranges and ranges[-1].end == found.offset:
            found = ByteRange(ranges[-1].offset, found.end - ranges.pop().offset)
        ranges.append(found)


def _check(plan: CardPlan, target: Target) -> None:
    if target.size < plan.size:
        what = f"{target.path} has {target.size} bytes, the image {plan.size}."
        raise BadInput("card-too-small", what, "Take a larger card.")
    if plan.image.is_at(target.path):
        what = f"{target.path} is the image itself."
        raise Refused("target-is-image", what, "Name another drive or file.")
