"""The card behind the file: what it does with requests, and what goes wrong with it."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.faults.fuse import Held

Kind = Literal["fail", "stall", "flip", "lose", "slow", "pull", "shrink", "wrap", "freeze"]
Way = Literal["read", "write", "flush", "any"]
_EVERYWHERE = 1 << 62
_PUNCH = 0x03  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong.

    Attributes:
        kind: ``fail``: an error (EIO). ``stall``: no answer until told. ``freeze``: the same for
            all requests from then on. ``flip``: one bit is stored (or read) wrong, each time
            another one. ``lose``: what is written is not stored. ``slow``: so many bytes a second
            (`length`). ``pull``: the card is gone. ``shrink``: it ends at `length`. ``wrap``: an
            address counts modulo `length`, its true capacity.
        on: which requests.
        first, length: the bytes that are concerned; where `length` has another meaning, all.
        after: it begins once so many bytes were moved that way.
        times: how many requests it meets; 0 for all.
    """

    kind: Kind
    on: Way = "any"
    first: int = 0
    length: int = _EVERYWHERE
    after: int = 0
    times: int = 0

    def concerns(self, offset: int, length: int) -> bool:
        """Whether it is at these bytes."""
        if self.kind in ("slow", "pull", "shrink", "wrap", "freeze"):
            return True
        return self.first < offset + length and offset < self.first + self.length


@dataclass(slots=True)
class Moved:
    """What was asked of a card.

    Attributes:
        read, written: bytes.
        log: in order: offset and length of each write that was stored, None for a flush.
        hits: how many requests the faults met.
    """

    read: int = 0
    written: int = 0
    log: list[tuple[int, int] | None] = field(default_factory=list)
    hits: int = 0


class FaultyDisk:
    """A card that is a sparse file.

    Args:
        backing: the file, of the size that the card announces.
        faults: what goes wrong.
        volatile: whether it can forget what was not flushed.
    """

    def __init__(self, backing: Path, faults: Iterable[Fault], *, volatile: bool) -> None:
        self._file = os.open(backing, os.O_RDWR | os.O_CLOEXEC)
        self.size = os.fstat(self._file).st_size
        self.moved = Moved()
        self.dead = False
        self.frozen = False
        self._volatile = volatile
        self._undo: list[tuple[int, bytes]] = []
        self.spoil(faults)

    def spoil(self, faults: Iterable[Fault]) -> None:
        """Have other things go wrong than before; none: all is well again."""
        self._faults = tuple(faults)
        self._left = [fault.times or _EVERYWHERE for fault in self._faults]
        self.frozen = False

    # --- requests ------------------------------------------------------------------------------

    def read(self, offset: int, length: int) -> bytes:
        """Answer a read."""
        faults = list(self._meet("read", offset, length))
        data = bytearray(length)
        os.preadv(self._file, [data], self._address(offset))
        self.moved.read += length
        for fault in faults:
            self._flip(fault, offset, memoryview(data))
        return bytes(data)

    def write(self, offset: int, data: memoryview) -> None:
        """Answer a write."""
        for fault in list(self._meet("write", offset, len(data))):
            data = memoryview(bytearray(data))
            (self._lose if fault.kind == "lose" else self._flip)(fault, offset, data)
        self._keep_old(self._address(offset), len(data))
        os.pwrite(self._file, data, self._address(offset))
        self.moved.written += len(data)
        self.moved.log.append((offset, len(data)))

    def flush(self) -> None:
        """Answer a flush."""
        list(self._meet("flush", 0, _EVERYWHERE))
        self._undo.clear()
        self.moved.log.append(None)

    def discard(self, offset: int, length: int) -> None:
        """Forget bytes: they read as zeros."""
        list(self._meet("write", offset, length))
        length = min(length, self.size - offset)
        self._keep_old(offset, length)
        place = [ctypes.c_long(number) for number in (offset, length)]
        if _libc.fallocate(self._file, _PUNCH, *place):
            raise OSError(ctypes.get_errno(), "fallocate")

    # --- what can be done to it ----------------------------------------------------------------

    def forget(self) -> None:
        """Lose all that was written and not flushed, as a cut of the power does."""
        for offset, old in reversed(self._undo):
            os.pwrite(self._file, old, offset)
        self._undo.clear()

    # --- faults --------------------------------------------------------------------------------

    def _meet(self, way: Way, offset: int, length: int) -> Iterator[Fault]:
        """Raise what goes wrong; yield the faults that spoil the data."""
        if self.dead:
            raise OSError(errno.ENODEV, "gone")
        if self.frozen:
            raise Held
        for number, fault in enumerate(self._faults):
            if self._is_met(number, fault, way, offset, length):
                self._left[number] -= 1
                self.moved.hits += fault.kind != "wrap" or offset + length > fault.length
                _EFFECTS[fault.kind](self, fault, length)
                if fault.kind in ("flip", "lose"):
                    yield fault
        if offset + length > self.size and way != "flush":
            raise OSError(errno.EIO, "beyond the end")

    def _is_met(self, number: int, fault: Fault, way: Way, offset: int, length: int) -> bool:
        moved = {
            "read": self.moved.read,
            "write": self.moved.written,
            "flush": self.moved.written,
            "any": self.moved.read + self.moved.written,
        }[fault.on]
        return (
            fault.on in (way, "any")
            and self._left[number] > 0
            and moved >= fault.after
            and fault.concerns(offset, length)
        )

    def _fail(self, _fault: Fault, _length: int) -> None:
        raise OSError(errno.EIO, "failed")

    def _stall(self, _fault: Fault, _length: int) -> None:
        raise Held

    def _freeze(self, _fault: Fault, _length: int) -> None:
        self.frozen = True
        raise Held

    def _pull(self, _fault: Fault, _length: int) -> None:
        self.dead, self.size = True, 0
        raise Held  # until the kernel knows that it is gone

    def _shrink(self, fault: Fault, _length: int) -> None:
        if self.size > fault.length:
            self.size = fault.length
            raise Held  # until the kernel knows its size

    def _slow(self, fault: Fault, length: int) -> None:
        time.sleep(min(length, 1 << 20) / fault.length)

    def _lose(self, fault: Fault, offset: int, data: memoryview) -> None:
        """Put what is there already in place of the part of `data` that the fault concerns."""
        first, last = _concerned(fault, offset, len(data))
        data[first:last] = self._old(self._address(offset) + first, last - first)

    def _flip(self, fault: Fault, offset: int, data: memoryview) -> None:
        """Spoil one bit of the part of `data` that the fault concerns, each time another one."""
        first, last = _concerned(fault, offset, len(data))
        turn = self.moved.hits * 2654435761  # spreads well (Knuth)
        data[first + turn % (last - first)] ^= 1 << turn % 7

    def _address(self, offset: int) -> int:
        true = next((fault.length for fault in self._faults if fault.kind == "wrap"), None)
        return offset % true if true else offset

    def _keep_old(self, offset: int, length: int) -> None:
        if self._volatile:
            self._undo.append((offset, self._old(offset, length)))

    def _old(self, offset: int, length: int) -> bytes:
        return os.pread(self._file, length, offset).ljust(length, b"\0")


def _concerned(fault: Fault, offset: int, length: int) -> tuple[int, int]:
    """From where to where a fault concerns a request, counted from that one's begin."""
    return max(fault.first - offset, 0), min(fault.first + fault.length - offset, length)


def _nothing(_disk: FaultyDisk, _fault: Fault, _length: int) -> None:
    """What spoils the data, or where it goes, is done there."""


_EFFECTS: dict[Kind, Callable[[FaultyDisk, Fault, int], None]] = {
    "fail": FaultyDisk._fail,
    "stall": FaultyDisk._stall,
    "freeze": FaultyDisk._freeze,
    "pull": FaultyDisk._pull,
    "shrink": FaultyDisk._shrink,
    "slow": FaultyDisk._slow,
    "flip": _nothing,
    "lose": _nothing,
    "wrap": _nothing,
}
