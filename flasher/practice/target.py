"""A card that is a file, held to be written: it is pulled, lies, wears out and takes its time."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from flasher.card.target import Held
from flasher.drives.faults import card_faults
from flasher.image.ranges import ByteRange
from flasher.practice.condition import WELL, Condition, Pace

# Shorter waits are put off, and added up.
_SHORTEST_WAIT = 0.005


class CardInReader:
    """A card from being put into a reader until it is taken out; faults may come at any time.

    Args:
        condition: what is wrong with the card.
        pace: of the reader; None: as fast as files are.
        written: bytes that the card has taken before.

    Attributes:
        condition: may be another at any time.
        out: set when the card is taken out.
        written: bytes that the card has taken so far.
        is_held: whether it is being written.
        is_given_back: whether the reader let go of it; it has to be taken out and put in again.
    """

    def __init__(
        self, condition: Condition = WELL, pace: Pace | None = None, written: int = 0
    ) -> None:
        self.condition, self.written = condition, written
        self.out, self.is_held, self.is_given_back = Event(), False, False
        self._pace = pace
        self._free_at = 0.0

    def take_time(self, length: int, *, writing: bool) -> None:
        """Take as long as a card does; raise OSError where it is not in its reader."""
        if speed := self._speed(writing=writing):
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + length / speed
            if self._free_at - now > _SHORTEST_WAIT:
                self.out.wait(self._free_at - now)
        if self.out.is_set():
            raise OSError(errno.ENOMEDIUM, os.strerror(errno.ENOMEDIUM))

    def take(self, data: bytes | memoryview) -> bytes | memoryview:
        """What the card makes of bytes that it is given; raises OSError where it fails."""
        done, condition = self.written, self.condition
        if condition.fails_after is not None and done >= condition.fails_after:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.written += len(data)
        if condition.spoils_after is None or done < condition.spoils_after:
            return data
        return bytes([data[0] ^ 0xFF]) + bytes(data[1:])

    def _speed(self, *, writing: bool) -> float:
        """Bytes a second; 0 for no limit."""
        pace = self._pace
        if pace is None:
            return 0.0
        own = self.condition.writes_at if writing else None
        return min(own or pace.write, pace.write) if writing else pace.read


class PracticeTarget:
    """The target for a card in a practice reader.

    Args:
        inner: its file, held open.
        card: what the card does.
    """

    def __init__(self, inner: Held, card: CardInReader) -> None:
        self._inner, self._card = inner, card

    @property
    def path(self) -> Path:
        """Of the reader."""
        return self._inner.path

    @property
    def size(self) -> int:
        """Bytes that the card announces."""
        return self._inner.size

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put `data` at `offset`, as far as the card lets it."""
        with self._asked("writing", len(data)):
            kept = self._card.take(data)
        for part, place in self._places(offset, len(data)):
            self._inner.write(place, kept[part.offset - offset : part.end - offset])

    def read(self, offset: int, length: int) -> bytes:
        """What the card answers."""
        with self._asked("reading back", length):
            pass
        places = self._places(offset, length)
        return b"".join(self._inner.read(place, part.length) for part, place in places)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """The same into memory that lies at a page's start."""
        with self._asked("reading back", len(buffer)):
            pass
        for part, place in self._places(offset, len(buffer)):
            with buffer[part.offset - offset : part.end - offset] as piece:
                self._inner.read_into(place, piece)

    def flush(self) -> None:
        """Return when all that was written is on the card."""
        with self._asked("writing"):
            pass
        if self._card.condition.keeps is None:
            self._inner.flush()

    def discard(self, where: ByteRange) -> bool:
        """Tell that nothing is kept there; a card that lies cannot be told."""
        return self._card.condition.keeps is None and self._inner.discard(where)

    def let_go(self) -> bool:
        """A practice reader always gives its card back."""
        self.flush()
        self._card.is_given_back = True
        return True

    @contextmanager
    def _asked(self, doing: str, length: int = 0) -> Iterator[None]:
        with card_faults(self.path, doing):
            self._card.take_time(length, writing=doing == "writing")
            yield

    def _places(self, offset: int, length: int) -> Iterator[tuple[ByteRange, int]]:
        """The pieces of a range, and where each lies in the card's memory."""
        keeps = self._card.condition.keeps or self.size
        end = offset + length
        while offset < end:
            place = offset % keeps
            part = ByteRange(offset, min(end - offset, keeps - place))
            yield part, place
            offset = part.end
