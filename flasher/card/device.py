"""A target as the engine drives it: what fails is tried once more, and all of it is clocked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flasher.card.faults import worn_out
from flasher.card.target import Target
from flasher.drives.faults import FAILED
from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange

# After so much, what was written must be on the card itself: what a lost power can cost.
_FLUSH_EVERY = 64 << 20


@dataclass(slots=True)
class Tally:
    """What went through in one direction: bytes, and the seconds that the drive took for them."""

    bytes: int = 0
    seconds: float = 0.0

    @property
    def speed(self) -> float:
        """MB/s (10⁶ bytes); 0 where nothing was measured."""
        return self.bytes / self.seconds / 1e6 if self.seconds else 0.0

    @contextmanager
    def counting(self, count: int) -> Iterator[None]:
        """Count a block of work that moves so many bytes."""
        begun = time.monotonic()
        yield
        self.seconds += time.monotonic() - begun
        self.bytes += count


class Device:
    """A target whose failures are tried once more.

    Args:
        target: the card, held open.
        note: told of each place that went well only the second time.

    Attributes:
        written, read: what went through so far; the time of flushes is among that of writing.
    """

    def __init__(self, target: Target, note: Callable[[str], None]) -> None:
        self._target, self._note = target, note
        self._unflushed = 0
        self.written, self.read = Tally(), Tally()

    @property
    def path(self) -> Path:
        """Device node or file."""
        return self._target.path

    @property
    def size(self) -> int:
        """Bytes it can hold."""
        return self._target.size

    def write(self, offset: int, data: memoryview) -> None:
        """Put aligned memory at `offset`."""
        where = ByteRange(offset, len(data))
        with self.written.counting(len(data)):
            self._twice(lambda: self._target.write(offset, data), where, "be written")
        self._unflushed += len(data)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill aligned memory with what is on the card itself."""
        where = ByteRange(offset, len(buffer))
        with self.read.counting(len(buffer)):
            self._twice(lambda: self._target.read_into(offset, buffer), where, "be read back")

    def flush(self) -> None:
        """Return when all that was written is on the card."""
        if self._unflushed:
            with self.written.counting(0):
                self._twice(self._target.flush, ByteRange(0, self.size), "be flushed")
            self._unflushed = 0

    def flush_if_due(self) -> None:
        """Flush where much was written since the last time."""
        if self._unflushed >= _FLUSH_EVERY:
            self.flush()

    def discard(self, first: int, end: int) -> bool:
        """Tell the drive that nothing is kept from `first` to before `end`; whether it listened."""
        return first < end and self._target.discard(ByteRange(first, end - first))

    def _twice(self, work: Callable[[], None], where: ByteRange, what: str) -> None:
        try:
            work()
        except FlasherError as error:
            if error.code != FAILED:
                raise
            self._once_more(work, where, what)

    def _once_more(self, work: Callable[[], None], where: ByteRange, what: str) -> None:
        try:
            work()
        except FlasherError as error:
            if error.code != FAILED:
                raise
            raise worn_out(self.path, where, what) from error
        self._note(f"{where} could not {what} at first, and could the second time.")
