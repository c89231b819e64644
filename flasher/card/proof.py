"""Reading a card back, mending what is wrong on it, and telling whose fault it is."""

from __future__ import annotations

from collections.abc import Callable

from flasher.card.device import Device
from flasher.card.faults import CardMismatch, condemned
from flasher.card.memory import UNIT, Pages, differences, exact_difference
from flasher.image.ranges import ByteRange

_MOST_MENDED = 32


class Proof:
    """Reads back past every cache; a range that is wrong is written and read once more.

    Args:
        device: the card.
        found: to read a block into; between calls it may serve others.
        note: told of each range that was mended.

    Attributes:
        mended: ranges that were right only the second time.
    """

    def __init__(self, device: Device, found: Pages, note: Callable[[str], None]) -> None:
        self._device, self._found, self._note = device, found, note
        self._troubles = 0
        self.mended: list[ByteRange] = []

    def check(self, part: ByteRange, wanted: Pages) -> None:
        """See to it that the card holds this, of a block's length at most.

        Raises:
            CardMismatch: ``card-condemned`` or ``reader-unsteady``.
        """
        if self.is_right(part, wanted):
            return
        where, first = self._where(part, wanted), bytes(self._found.view[: part.length])
        self._count(where)
        if self.is_right(part, wanted):
            self._note(f"{where} read wrong once and right the second time.")
            return
        is_steady = first == self._found.view[: part.length]
        for run in differences(wanted, self._found, part.length):
            self._device.write(part.offset + run.offset, wanted.view[run.offset : run.end])
        self._device.flush()
        if not self.is_right(part, wanted):
            raise self._judgement(part, wanted, is_steady=is_steady)
        self._note(f"{where} were wrong on the card and have been written again.")
        first_unit = where.offset // UNIT * UNIT
        end = min(-(-where.end // UNIT) * UNIT, part.end)
        self.mended.append(ByteRange(first_unit, end - first_unit))

    def is_right(self, part: ByteRange, wanted: Pages) -> bool:
        """Whether the card holds this now."""
        self._device.read_into(part.offset, self._found.view[: part.length])
        return wanted.same(self._found, 0, part.length)

    def _where(self, part: ByteRange, wanted: Pages) -> ByteRange:
        """From the first wrong byte to the last, by what was read last."""
        wrong = exact_difference(wanted, self._found, part.length)
        return ByteRange(part.offset + wrong.offset, wrong.length)

    def _count(self, where: ByteRange) -> None:
        self._troubles += 1
        if self._troubles > _MOST_MENDED:
            what = f"More than {_MOST_MENDED} places of it read wrong, the last one {where}."
            raise condemned(self._device.path, what)

    def _judgement(self, part: ByteRange, wanted: Pages, *, is_steady: bool) -> CardMismatch:
        where, third = self._where(part, wanted), bytes(self._found.view[: part.length])
        self.is_right(part, wanted)
        path = self._device.path
        if is_steady and third == self._found.view[: part.length]:
            what = f"{where} hold other bytes than were written, twice."
            return condemned(path, what)
        return CardMismatch(
            "reader-unsteady",
            f"In {path}, {where} read otherwise each time.",
            "Try another cable, then another reader; if it is the same there, throw the card away.",
        )
