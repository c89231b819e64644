"""Comparing a card with what it must hold; nothing is written."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flasher.card.ahead import filled
from flasher.card.device import Device
from flasher.card.faults import CardMismatch
from flasher.card.memory import BLOCK, Pages, exact_difference
from flasher.card.plan import CardPlan
from flasher.card.target import Target
from flasher.events import NEVER, CancelFlag, Emit, Noted, ignore, step
from flasher.image.ranges import ByteRange, chunks


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Bytes read back and found right, in so many seconds."""

    bytes_read: int
    seconds: float


def verify_card(
    plan: CardPlan, target: Target, *, emit: Emit = ignore, cancel: CancelFlag = NEVER
) -> VerifyResult:
    """Read a card back and compare every byte that was to be written.

    Raises:
        CardMismatch: ``card-differs``; names the first range that does.
        Cancelled: as asked.
        FlasherError: the card failed or was pulled out.
    """
    begun = time.monotonic()
    subject = str(target.path)
    device = Device(target, lambda text: emit(Noted(subject, text, warning=True)))
    found = Pages()
    what = f"Reading back {target.path}"
    with step(emit, subject, "verify", plan.expected, "bytes") as progress:
        parts = chunks(plan.ranges, BLOCK)
        for part, wanted in filled(plan.read_into, parts, cancel, what):
            device.read_into(part.offset, found.view[: part.length])
            if not wanted.same(found, 0, part.length):
                wrong = exact_difference(wanted, found, part.length)
                raise _mismatch(target, ByteRange(part.offset + wrong.offset, wrong.length))
            progress.advance(part.length)
    return VerifyResult(device.read.bytes, time.monotonic() - begun)


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
