"""A compressed image unpacked into a sparse file, from its beginning to its end, and with all cores
where the format lets them work side by side."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed, wait
from pathlib import Path
from threading import Lock

from flasher.events import CancelFlag, check_cancelled
from flasher.image.background import Watermark, in_background
from flasher.image.bmap import any_set
from flasher.image.forms import OPENERS, Form
from flasher.image.xz import Block, read_blocks, unpack_block

HOLE = 64 << 10
_CHUNK = 4 << 20
_WHAT = "Unpacking the image"


def unpack(path: Path, form: Form, target: int, watermark: Watermark, cancel: CancelFlag) -> None:
    """Unpack to the end; zeros become holes.

    Args:
        path: of the compressed image.
        target: descriptor of a file of holes, as large as the image is announced to be; empty
            where nobody announced that.
        watermark: rises as bytes are there, and is finished at the end.

    Raises:
        Cancelled: as asked.
        Exception: one of `DAMAGE`, such as EOFError for another size than announced; or OSError.
    """
    announced = os.fstat(target).st_size
    blocks = _blocks(path) if form == "xz" else ()
    if len(blocks) > 1:
        _unpack_blocks(path, blocks, target, watermark, cancel)
    else:
        _unpack_stream(path, form, target, watermark, cancel)
    if announced and watermark.reached != announced:
        raise EOFError
    os.ftruncate(target, watermark.reached)
    watermark.finish()


def put_sparse(target: int, offset: int, data: bytes) -> None:
    """Write what is not zeros, in units of 64 KiB."""
    if not any_set(data):
        return
    for start in range(0, len(data), HOLE):
        piece = data[start : start + HOLE]
        if any_set(piece):
            rest = memoryview(piece)
            at = offset + start
            while rest:
                done = os.pwrite(target, rest, at)
                at, rest = at + done, rest[done:]


def _unpack_stream(
    path: Path, form: Form, target: int, watermark: Watermark, cancel: CancelFlag
) -> None:
    reached, announced = 0, os.fstat(target).st_size
    with path.open("rb") as packed, OPENERS[form](packed) as source:
        while chunk := source.read(_CHUNK):
            check_cancelled(cancel, _WHAT)
            put_sparse(target, reached, chunk)
            reached += len(chunk)
            if announced and reached > announced:
                raise EOFError
            watermark.rise(reached)


def _blocks(path: Path) -> tuple[Block, ...]:
    with path.open("rb") as packed:
        size = os.fstat(packed.fileno()).st_size
        return read_blocks(lambda at, length: os.pread(packed.fileno(), length, at), size)


def _unpack_blocks(
    path: Path, blocks: tuple[Block, ...], target: int, watermark: Watermark, cancel: CancelFlag
) -> None:
    """Blocks side by side, each in its place; the watermark is where the first gap begins."""
    front, failed = _Front(blocks, watermark), CancelFlag()
    with path.open("rb") as packed:

        def read(at: int, length: int) -> bytes:
            return os.pread(packed.fileno(), length, at)

        def one(number: int) -> None:
            reached = blocks[number].start
            for piece in unpack_block(read, blocks[number]):
                check_cancelled(cancel, _WHAT)
                check_cancelled(failed, _WHAT)
                put_sparse(target, reached, piece)
                reached += len(piece)
                front.reach(number, reached)

        _side_by_side(len(blocks), one, failed)


def _side_by_side(count: int, one: Callable[[int], None], failed: CancelFlag) -> None:
    """Do each of so many, one on each processor at a time; the first that fails ends all."""
    waiting = deque(range(count))

    def work() -> None:
        while not failed.is_set():
            try:
                number = waiting.popleft()
            except IndexError:  # none is left
                return
            one(number)

    # No pool: its threads would keep a process that is interrupted from ending.
    workers = [in_background(work) for _ in range(os.cpu_count() or 1)]
    try:
        for worker in as_completed(workers):
            worker.result()
    finally:
        failed.set()
        wait(workers)


class _Front:
    """How far blocks have come, each by itself, and all of them without a gap."""

    def __init__(self, blocks: Iterable[Block], watermark: Watermark) -> None:
        self._ends = [block.start + block.size for block in blocks]
        self._reached = [block.start for block in blocks]
        self._first = 0
        self._watermark = watermark
        self._lock = Lock()

    def reach(self, number: int, reached: int) -> None:
        """A block has come so far."""
        with self._lock:
            self._reached[number] = reached
            while self._first < len(self._ends) - 1 and self._is_done(self._first):
                self._first += 1
            self._watermark.rise(self._reached[self._first])

    def _is_done(self, number: int) -> bool:
        return self._reached[number] == self._ends[number]
