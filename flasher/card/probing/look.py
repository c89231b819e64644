"""One look at a card: marks are written, found again or not, and all is put back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flasher.card.device import Tally
from flasher.card.probing.marks import BLOCK, CHUNK, Marks, compare
from flasher.card.probing.places import FIRST, Places
from flasher.card.probing.undo import Undo, is_of_one_place
from flasher.card.target import Target
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Progress, check_cancelled
from flasher.image.ranges import ByteRange, chunks

# A reader tries for many seconds before it gives up one block of a dead card.
_PATIENCE = 3
# A card that takes longer for its stretch is so slow that this much of it must do.
_SECONDS = 8.0
# Chunks that are moved without a pause, to measure the speed.
_TIMED = 4


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.

    Attributes:
        lost: offsets where not that is read which was written.
        failed: offsets that could not be read or written at all.
        strange: offsets where marks were read that were written elsewhere.
        write_speed, read_speed: of one stretch in sequence, MB/s (10⁶ bytes); 0.0 where that could
            not be measured.
        left: bytes that could not be put back.
    """

    lost: tuple[int, ...]
    failed: tuple[int, ...]
    strange: tuple[int, ...]
    write_speed: float
    read_speed: float
    left: int

    @property
    def is_clean(self) -> bool:
        """Whether the card did all that a card must."""
        return not self.wrong

    @property
    def wrong(self) -> tuple[int, ...]:
        """Offsets where the card did not do what a card must."""
        return (*self.lost, *self.failed, *self.strange)


def amount(places: Places, overrun: int = 0) -> int:
    """Bytes that a look moves: the unit of its progress."""
    singles = 4 * len(places.marks) + len(places.reads)
    return 3 * places.stretch.length + BLOCK * singles + 2 * overrun


def look(
    target: Target,
    places: Places,
    *,
    progress: Progress,
    cancel: CancelFlag,
    overrun: int = 0,
) -> Look:
    """Look once.

    Args:
        target: the card.
        places: where to write and to read.
        progress: advanced by `amount` in all.
        cancel: stops it; what was overwritten is put back first.
        overrun: bytes before the stretch that are written as well, with what they hold, to push
            the marks out of a cache.

    Raises:
        Cancelled: it was stopped.
        FlasherError: the card was pulled out, is locked …
    """
    with Undo(target) as undo:
        looker = _Looker(target, undo, progress, cancel)
        try:
            looker.write(places)
            looker.overrun(places.stretch, overrun)
            looker.read(places)
        except _TooManyError:
            pass
    return Look(
        tuple(looker.lost),
        tuple(looker.failed),
        tuple(looker.strange),
        looker.writing.speed,
        looker.reading.speed,
        undo.lost,
    )


class _TooManyError(Exception):
    """The card failed at so many places that the others need not be seen."""


@dataclass(slots=True)
class _Looker:
    target: Target
    undo: Undo
    progress: Progress
    cancel: CancelFlag
    marks: Marks = field(default_factory=Marks.fresh)
    written: set[int] = field(default_factory=set)
    laced: set[int] = field(default_factory=set)
    lost: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    strange: list[int] = field(default_factory=list)
    writing: Tally = field(default_factory=Tally)
    reading: Tally = field(default_factory=Tally)

    def write(self, places: Places) -> None:
        """The stretch last: it pushes the marks out of a cache that is smaller than itself."""
        for place in places.marks:
            with self._at(ByteRange(place, BLOCK), 2):
                self.undo.write(place, self.marks.make(place, BLOCK))
                self.written.add(place)
        latest: deque[tuple[ByteRange, bytes]] = deque(maxlen=_TIMED)
        lacing = Tally()
        for part in chunks([places.stretch], CHUNK):
            if lacing.seconds < _SECONDS:
                with self._at(part, 2), lacing.counting(part.length):
                    latest.append((part, self._lace(part)))
        self._flush(places.stretch)
        self._time_writing(latest, places.stretch)

    def _time_writing(self, latest: Iterable[tuple[ByteRange, bytes]], stretch: ByteRange) -> None:
        """Write the same once more, without a pause in which the card could rest."""
        for part, data in latest:
            with self._at(part, 0), self.writing.counting(part.length):
                self.target.write(part.offset, data)
        with self.writing.counting(0):
            self._flush(stretch)

    def _flush(self, stretch: ByteRange) -> None:
        with self._at(stretch, 0):
            self.target.flush()

    def overrun(self, stretch: ByteRange, length: int) -> None:
        """Write what is there once more; nothing of it has to be put back."""
        first = max(stretch.offset - length, FIRST)
        if first >= stretch.offset:
            return
        for part in chunks([ByteRange(first, stretch.offset - first)], CHUNK):
            with self._at(part, 2):
                self.target.write(part.offset, self.target.read(part.offset, part.length))
        self._flush(stretch)

    def read(self, places: Places) -> None:
        """Single blocks first: some cards read ahead into a cache that tells what is not there."""
        spread = places.stretch.length // BLOCK // 16 * BLOCK or BLOCK
        some = range(places.stretch.offset, places.stretch.end, spread)
        for place in (*places.marks, *some, *places.reads):
            with self._at(ByteRange(place, BLOCK)):
                self._judge(place, self.target.read(place, BLOCK))
        for piece in chunks([places.stretch], _TIMED * CHUNK):
            parts = list(chunks([piece], CHUNK))
            with self._at(piece):
                with self.reading.counting(piece.length):
                    found = [self.target.read(part.offset, part.length) for part in parts]
                for part, data in zip(parts, found, strict=True):
                    self._judge(part.offset, data)

    def _lace(self, part: ByteRange) -> bytes:
        data = self.undo.laced(part, self.marks)
        self.target.write(part.offset, data)
        self.laced.update(range(part.offset, part.end, BLOCK))
        return data

    def _judge(self, offset: int, data: bytes) -> None:
        laced = offset in self.laced
        seen = compare(self.marks, offset, data, laced=laced)
        if seen.distances:
            self.strange.append(offset)
        if (laced or offset in self.written) and seen.kept < len(data):
            self.lost.append(offset + seen.kept)

    @contextmanager
    def _at(self, where: ByteRange, times: int = 1) -> Iterator[None]:
        check_cancelled(self.cancel, f"The probe of {self.target.path}")
        try:
            yield
        except FlasherError as error:
            if not is_of_one_place(error):
                raise
            self.failed.append(where.offset)
            if len(self.failed) >= _PATIENCE:
                raise _TooManyError from None
        self.progress.advance(where.length * times)
