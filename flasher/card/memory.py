"""Memory for direct I/O, and comparing two pieces of it at the memory's own speed."""

from __future__ import annotations

import ctypes
import mmap

from flasher.image.ranges import ByteRange

# What is written and read at once; drives are fastest from a few MiB on.
BLOCK = 4 << 20
UNIT = 4096
# What lies closer together than this is written as one: a second command costs a card more.
_JOIN = 64 << 10

_memcmp = ctypes.CDLL(None).memcmp  # lets other threads run meanwhile, as bytes' own `==` does not
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_memcmp.restype = ctypes.c_int


class Pages:
    """Memory that starts at a page, as direct I/O wants it.

    Attributes:
        view: all of it.
    """

    def __init__(self, size: int = BLOCK) -> None:
        memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.view = memoryview(memory)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(memory))

    def same(self, other: Pages, offset: int, length: int) -> bool:
        """Whether both hold the same `length` bytes from `offset` on."""
        mine, theirs = self._address + offset, other._address + offset
        return not _memcmp(mine, theirs, length)

    def is_uniform(self, offset: int, length: int) -> bool:
        """Whether that is one byte, repeated."""
        start = self._address + offset
        return not _memcmp(start, start + 1, length - 1)


def differences(wanted: Pages, found: Pages, length: int) -> tuple[ByteRange, ...]:
    """Where the first `length` bytes differ, in whole units; neighbours joined."""
    runs: list[ByteRange] = []
    for start in range(0, length, _JOIN):
        end = min(start + _JOIN, length)
        if not wanted.same(found, start, end - start):
            for unit in range(start, end, UNIT):
                _join_unit(runs, wanted, found, ByteRange(unit, min(UNIT, end - unit)))
    return tuple(runs)


def _join_unit(runs: list[ByteRange], wanted: Pages, found: Pages, unit: ByteRange) -> None:
    if wanted.same(found, unit.offset, unit.length):
        return
    if runs and unit.offset - runs[-1].end < _JOIN:
        unit = ByteRange(runs[-1].offset, unit.end - runs.pop().offset)
    runs.append(unit)


def exact_difference(wanted: Pages, found: Pages, length: int) -> ByteRange:
    """From the first byte that differs to the last; there must be one."""
    runs = differences(wanted, found, length)
    first, last = runs[0], runs[-1]
    head = _differing(wanted, found, ByteRange(first.offset, min(UNIT, first.length)))
    tail_at = (last.end - 1) // UNIT * UNIT
    tail = _differing(wanted, found, ByteRange(tail_at, last.end - tail_at))
    return ByteRange(head[0], tail[-1] - head[0] + 1)


def _differing(wanted: Pages, found: Pages, unit: ByteRange) -> list[int]:
    places = range(unit.offset, unit.end)
    return [place for place in places if wanted.view[place] != found.view[place]]


def telling_unit(wanted: Pages, length: int) -> ByteRange:
    """The unit that tells best whether a card holds this: one that is not a byte repeated."""
    if wanted.is_uniform(0, length):
        middle = length // 2 // UNIT * UNIT
        return ByteRange(middle, min(UNIT, length - middle))
    units = (ByteRange(start, min(UNIT, length - start)) for start in range(0, length, UNIT))
    first = ByteRange(0, min(UNIT, length))
    return next((one for one in units if not wanted.is_uniform(one.offset, one.length)), first)
