"""Whether it pays to look what a card holds before it is written."""

from __future__ import annotations

from flasher.card.device import Device
from flasher.card.faults import WORN_OUT
from flasher.card.memory import UNIT, Pages, differences, telling_unit
from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange, total

_SELDOM = 8


class Looking:
    """Finds what a card holds already.

    Where blocks were right so far, each is read whole before anything of it is written; where they
    were not, one unit of a block tells whether to, and soon of every eighth block only: looking at
    a foreign card costs next to nothing.

    Args:
        device: the card.
        found: to read a block into; between calls it may serve others.
    """

    def __init__(self, device: Device, found: Pages) -> None:
        self._device, self._found = device, found
        self._peeked = Pages(UNIT)
        self._misses, self._wait, self._right = 0, 0, False

    def to_write(self, part: ByteRange, wanted: Pages) -> tuple[ByteRange, ...]:
        """What of a block must be written, counted from its begin; the rest was read, and right."""
        whole = (ByteRange(0, part.length),)
        if self._wait:
            self._wait -= 1
            return whole
        runs = self.differing(part, wanted) if self._is_likely(part, wanted) else whole
        self._learn(right=total(runs) * 2 <= part.length)
        return runs

    def differing(self, part: ByteRange, wanted: Pages) -> tuple[ByteRange, ...]:
        """The same by reading the whole block; what cannot be read must be written."""
        if not self._can_read(part.offset, self._found.view[: part.length]):
            return (ByteRange(0, part.length),)
        return differences(wanted, self._found, part.length)

    def _learn(self, *, right: bool) -> None:
        self._right = right
        self._misses = 0 if right else self._misses + 1
        self._wait = 0 if right else min(1 << self._misses - 1, _SELDOM) - 1

    def _is_likely(self, part: ByteRange, wanted: Pages) -> bool:
        if self._right:
            return True
        unit = telling_unit(wanted, part.length)
        peek = self._peeked.view[: unit.length]
        if not self._can_read(part.offset + unit.offset, peek):
            return False
        return bytes(peek) == bytes(wanted.view[unit.offset : unit.end])

    def _can_read(self, offset: int, buffer: memoryview) -> bool:
        try:
            self._device.read_into(offset, buffer)
        except FlasherError as error:
            if error.code != WORN_OUT:
                raise
            return False
        return True
