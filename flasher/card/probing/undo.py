"""What a probe overwrites is put back, however the probe ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from flasher.card.probing.marks import CHUNK, Marks, first_sectors, unlace
from flasher.card.target import Target
from flasher.drives.faults import FAILED
from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange, chunks

# Where a partition table begins, of whatever kind.
_TABLE = ByteRange(0, 4096)
# What concerns one place on the card, and not the whole of it.
_OF_ONE_PLACE = (FAILED, "card-too-small")


def is_of_one_place(error: FlasherError) -> bool:
    """Whether the card failed at one place; pulled out or locked, it failed as a whole."""
    return error.code in _OF_ONE_PLACE


class Undo:
    """Writes to a card, and at the end of the block puts back what was there, the latest first.

    That order is right also where one place of the card lies upon another. A second interrupt
    (Ctrl-C) while it is being put back is the last word.

    Attributes:
        lost: bytes that could not be put back.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._kept: dict[ByteRange, bytes] = {}
        self._firsts: dict[ByteRange, bytes] = {}
        self.lost = 0

    def __enter__(self) -> Undo:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self._put_back()
        except KeyboardInterrupt:
            self._put_back()
            raise

    def keep(self, where: ByteRange) -> None:
        """Remember what is there, once."""
        for part in chunks([where], CHUNK):
            if part not in self._kept:
                self._kept[part] = self._target.read(part.offset, part.length)

    def laced(self, where: ByteRange, marks: Marks) -> bytes:
        """What is there, laced with marks, to be written; remembers what the marks replace.

        An eighth of the memory that `keep` takes: 16 MiB for each of eight cards would be much.
        """
        data = self._target.read(where.offset, where.length)
        self._firsts.setdefault(where, first_sectors(data))
        return marks.lace(where.offset, data)

    def write(self, offset: int, data: bytes) -> None:
        """Remember what is there, and put some bytes in its place."""
        self.keep(ByteRange(offset, len(data)))
        self._target.write(offset, data)

    def hide_table(self) -> None:
        """Zero the partition table, on the card before anything else is.

        Left half probed, the card does not look like a good one then.
        """
        with self._bearing():
            self.write(_TABLE.offset, bytes(_TABLE.length))
            self._target.flush()

    def _put_back(self) -> None:
        self.lost = 0
        read, write = self._target.read, self._target.write
        for where, firsts in reversed(self._firsts.items()):
            self.lost += where.length
            with self._bearing():
                write(where.offset, unlace(read(where.offset, where.length), firsts))
                self.lost -= where.length
        for where, data in reversed(self._kept.items()):
            self.lost += where.length
            with self._bearing():
                write(where.offset, data)
                self.lost -= where.length
        with self._bearing():
            self._target.flush()

    @contextmanager
    def _bearing(self) -> Iterator[None]:
        """Go on where the card fails at one place."""
        try:
            yield
        except FlasherError as error:
            if not is_of_one_place(error):
                raise
