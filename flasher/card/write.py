"""Writing a planned card, and reading it back.

The partition table goes first, zeroed, and comes last: a half-written card never looks good, and
a reused one neither.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from flasher.card.faults import CardMismatch
from flasher.card.plan import HEAD, CardPlan
from flasher.card.target import BLOCK, Target
from flasher.errors import BadInput, Refused
from flasher.events import CancelFlag, Emit, check_cancelled, ignore, step
from flasher.image.ranges import ByteRange, chunks, total

_NEVER = CancelFlag()


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Bytes written, without the holes of the image, in so many seconds."""

    bytes_written: int
    seconds: float


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Bytes read back and found right, in so many seconds."""

    bytes_read: int
    seconds: float


def write_card(
    plan: CardPlan, target: Target, *, emit: Emit = ignore, cancel: CancelFlag = _NEVER
) -> WriteResult:
    """Write a card as planned.

    Raises:
        BadInput: it is too small.
        Refused: the target is the image itself.
        Cancelled: it was stopped; the card has no partition table then.
        FlasherError: the card failed, was pulled out, is locked …
    """
    _check(plan, target)
    begun = time.monotonic()
    size = total(plan.ranges)
    with step(emit, str(target.path), "write", size, "bytes") as progress:
        _wipe_tables(plan, target)
        for part in _without_head(plan):
            check_cancelled(cancel, f"Writing {target.path}, which now has no partition table,")
            target.write(part.offset, plan.read(part.offset, part.length))
            progress.advance(part.length)
        target.flush()
        check_cancelled(cancel, f"Writing {target.path}, which now has no partition table,")
        head = plan.read(0, _head_size(plan))
        target.write(0, head)
        target.flush()
        progress.advance(len(head))
    return WriteResult(size, time.monotonic() - begun)


def _check(plan: CardPlan, target: Target) -> None:
    if target.size < plan.size:
        what = f"{target.path} has {target.size} bytes, the image {plan.size}."
        raise BadInput("card-too-small", what, "Take a larger card.")
    for image in (plan.image.path, plan.image.source):
        if image.exists() and image.samefile(target.path):
            what = f"{target.path} is the image itself."
            raise Refused("target-is-image", what, "Name another drive or file.")


def _head_size(plan: CardPlan) -> int:
    return min(HEAD, plan.size)


def _without_head(plan: CardPlan) -> Iterator[ByteRange]:
    head = _head_size(plan)
    for found in plan.ranges:
        first = max(found.offset, head)
        if first < found.end:
            yield from chunks([ByteRange(first, found.end - first)], BLOCK)


def _wipe_tables(plan: CardPlan, target: Target) -> None:
    """Zero the partition table, and the spare copy that a GPT keeps at a drive's end."""
    target.write(0, bytes(_head_size(plan)))
    last = max(target.size - HEAD, plan.size)
    if last < target.size:
        target.write(last, bytes(target.size - last))
    target.flush()


def verify_card(
    plan: CardPlan, target: Target, *, emit: Emit = ignore, cancel: CancelFlag = _NEVER
) -> VerifyResult:
    """Read a card back and compare every byte that was to be written.

    Raises:
        CardMismatch: it differs; names the first range that does.
        Cancelled: it was stopped; the card was written but not proven.
        FlasherError: the card failed or was pulled out.
    """
    begun = time.monotonic()
    size = total(plan.ranges)
    with step(emit, str(target.path), "verify", size, "bytes") as progress:
        for part in chunks(plan.ranges, BLOCK):
            check_cancelled(cancel, f"Reading back {target.path}")
            check_same(target, part.offset, plan.read(part.offset, part.length))
            progress.advance(part.length)
    return VerifyResult(size, time.monotonic() - begun)


def check_same(target: Target, offset: int, wanted: bytes) -> None:
    """Compare up to `BLOCK` bytes of a card with what it must hold; raises CardMismatch."""
    found = target.read(offset, len(wanted))
    if found != wanted:
        raise _mismatch(target, _difference(offset, wanted, found))


def _difference(offset: int, wanted: bytes, found: bytes) -> ByteRange:
    """From the first byte that differs to the last."""
    differing = [n for n, (a, b) in enumerate(zip(wanted, found, strict=True)) if a != b]
    return ByteRange(offset + differing[0], differing[-1] - differing[0] + 1)


def _mismatch(target: Target, where: ByteRange) -> CardMismatch:
    return CardMismatch(
        "card-differs",
        f"On {target.path}, {where} differ from what was written.",
        "Write it again; if it differs again, try another reader, then throw the card away.",
    )
