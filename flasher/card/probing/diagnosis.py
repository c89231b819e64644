"""Of a card that failed two looks: in what way it lies, and how much of it can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from flasher.card.probing.look import Look
from flasher.card.probing.marks import BLOCK, CHUNK, SECTOR, Marks, Seen, compare
from flasher.card.probing.places import FIRST, all_over, down, end_stretch, first_place, grid, up
from flasher.card.probing.undo import Undo, is_of_one_place
from flasher.card.target import Target
from flasher.errors import FlasherError
from flasher.events import CancelFlag, check_cancelled
from flasher.image.ranges import ByteRange, chunks

CardKind = Literal["good", "wraparound", "chain", "limbo", "dead tail", "damaged", "bad"]

_BATCH, _SAMPLES, _TRIES = 64, 16, 4
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31)
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a card.

    Attributes:
        kind: ``wraparound``: addresses repeat, and all memory in between works; ``chain``: they
            repeat, and part of it does not; ``limbo``: what lies beyond is forgotten; ``dead
            tail``: it fails; ``damaged``: the end works, something before it does not; ``bad``:
            nothing works.
        real: bytes from the start that work, up to the first that do not.
        module: bytes after which addresses repeat; None where they do not.
    """

    kind: CardKind
    real: int
    module: int | None


def diagnose(
    target: Target, size: int, seen: Look, *, cancel: CancelFlag, overrun: int = 0
) -> Diagnosis:
    """Measure a card that lies; all is put back.

    Args:
        target: the card.
        size: what it announces.
        seen: the last look at it.
        cancel: stops it.
        overrun: as for `look`.

    Raises:
        Cancelled: it was stopped.
        FlasherError: the card was pulled out, is locked …
    """
    with Undo(target) as undo:
        patient = _Patient(target, undo, size, cancel, overrun)
        module = patient.find_module()
        wrong = (place for place in seen.wrong if place >= patient.first)
        known_bad = min(wrong, default=size)
        real = patient.find_end(module or known_bad, module)
        kind = patient.kind_of(real, module)
    return Diagnosis(kind, real, module)


@dataclass(slots=True)
class _Patient:
    target: Target
    undo: Undo
    size: int
    cancel: CancelFlag
    overrun: int
    marks: Marks = field(default_factory=Marks.fresh)
    failures: int = 0

    @property
    def first(self) -> int:
        """Where its part that may be written begins, in bytes."""
        return first_place(self.size)

    def find_module(self) -> int | None:
        """Write without a gap near the start, and see where else on the card it shows."""
        low = ByteRange(self.first, end_stretch(self.size).length)
        for part in chunks([low], CHUNK):
            self._write(part.offset, part.length)
        distances: set[int] = set()
        for place in self._everywhere(low):
            if self.failures >= _PATIENCE:
                break
            distances |= self._see(place).distances
        # A cache may show marks that the memory does not hold, so that each is tried by itself.
        return next(filter(None, map(self._least_module, sorted(distances))), None)

    def _everywhere(self, low: ByteRange) -> Iterator[int]:
        """Where to look for what was written to `low`: no gap is longer than that."""
        last = down(self.size) - BLOCK
        powers = (low.offset + (1 << power) for power in range(self.size.bit_length()))
        for place in (last, *powers, *all_over(self.size, Random())):  # noqa: S311  (no secret)
            if place % BLOCK == 0 and low.end <= place <= last:
                yield place

    def _least_module(self, distance: int) -> int | None:
        """The smallest part of the distance at which the card repeats; None: it does not."""
        if not self._repeats_after(distance):
            return None
        for prime in _PRIMES:
            while distance % (prime * SECTOR) == 0 and self._repeats_after(distance // prime):
                distance //= prime
        return distance

    def _repeats_after(self, distance: int) -> bool:
        """Whether a block near the start is seen once more so far behind it."""
        again = self.first + distance
        if again + BLOCK > self.size:
            return False
        self.marks = Marks.fresh()
        return self._write(self.first, BLOCK) and distance in self._see(again).distances

    def find_end(self, bad: int, module: int | None) -> int:
        """Bytes from the start that keep what is written, up to `bad`; 0 where none do."""
        good = self.first
        while good + BLOCK <= bad:
            step = max(down((bad - good) // _BATCH), BLOCK)
            places = sorted({*range(good, bad - BLOCK + 1, step), good + down(bad - good - BLOCK)})
            kept, lost_at = self._first_lost(places, module)
            if lost_at is None:
                break
            bad = lost_at
            good = kept + BLOCK if kept is not None else good
            if step == BLOCK:
                break
        if bad - BLOCK >= self.first:  # what is left of a block, if the end is not at one's edge
            _, lost_at = self._first_lost([bad - BLOCK], module)
            bad = lost_at or bad
        return bad if bad > self.first else 0

    def kind_of(self, real: int, module: int | None) -> CardKind:
        """The word for it."""
        if module:
            return "wraparound" if real >= module else "chain"
        if not real:
            return "bad"
        if self._works_behind(up(real)):
            return "damaged"
        return "dead tail" if self.failures else "limbo"

    def _works_behind(self, start: int) -> bool:
        """Whether most places keep their marks; they lie so that one cache cannot hold them."""
        places = range(start, down(self.size) - BLOCK, grid(self.size))
        some = places[:: max(len(places) // _SAMPLES, 1)]
        self.marks = Marks.fresh()
        failures = self.failures
        for place in reversed(some):
            if self.failures < failures + _PATIENCE:
                self._write(place, BLOCK)
        if self.failures == failures:
            self._write_again_before(self.size)
        kept = [place for place in some if self._see(place).kept == BLOCK]
        return len(kept) > len(some) // 2

    def _first_lost(self, places: list[int], module: int | None) -> tuple[int | None, int | None]:
        """The place before the first that loses its mark, and the first byte that is lost."""
        self.marks = Marks.fresh()
        for place in places:
            if not self._write(place, BLOCK):
                break
        if not self.failures:
            self._push_out(places, module)
        before = None
        for place in places:
            kept = self._see(place).kept
            if kept < BLOCK:
                return before, place + kept
            before = place
        return before, None

    def _push_out(self, places: list[int], module: int | None) -> None:
        """Make a cache forget the marks."""
        for place in places:
            rival = self._rival(place, places, module)
            if rival is not None:
                self._write(rival, BLOCK)
        self._write_again_before(module or self.size)

    def _write_again_before(self, end: int) -> None:
        """What is there, unchanged: it fills a cache, and leaves everything as it is."""
        length = end_stretch(self.size).length + self.overrun
        first = max(down(end) - length, self.first)
        if first < down(end):
            for part in chunks([ByteRange(first, down(end) - first)], CHUNK):
                self._rewrite(part)

    def _rival(self, place: int, places: list[int], module: int | None) -> int | None:
        """Where a mark would take the place's room in a cache, and nobody's in the memory."""
        apart = grid(self.size)
        while apart >= FIRST:
            last = place + (self.size - BLOCK - place) // apart * apart
            above = range(last, place, -apart)[:_TRIES]
            below = range(place - apart, self.first - 1, -apart)[:_TRIES]
            rivals: list[int] = [*above, *below]
            for rival in rivals:
                if not any(_touches(abs(rival - other), module) for other in places):
                    return rival
            apart //= 2
        return None

    def _write(self, offset: int, length: int) -> bool:
        return self._tried(lambda: self.undo.write(offset, self.marks.make(offset, length)))

    def _rewrite(self, part: ByteRange) -> bool:
        read, write = self.target.read, self.target.write
        return self._tried(lambda: write(part.offset, read(part.offset, part.length)))

    def _see(self, place: int) -> Seen:
        found: list[bytes] = []
        if self._tried(lambda: found.append(self.target.read(place, BLOCK))):
            return compare(self.marks, place, found[0])
        return Seen(0, frozenset())

    def _tried(self, act: Callable[[], None]) -> bool:
        check_cancelled(self.cancel, f"The probe of {self.target.path}")
        try:
            act()
        except FlasherError as error:
            if not is_of_one_place(error):
                raise
            self.failures += 1
            return False
        return True


def _touches(gap: int, module: int | None) -> bool:
    """Whether two blocks so far apart lie upon each other."""
    return gap < BLOCK or (module is not None and min(gap % module, -gap % module) < BLOCK)
