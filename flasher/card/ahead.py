"""What a card must hold, made ready by a thread of its own: the drive never waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread

from flasher.card.memory import Pages
from flasher.events import CancelFlag, check_cancelled
from flasher.image.ranges import ByteRange

Fill = Callable[[int, memoryview], None]
_Filled = tuple[ByteRange, Pages] | BaseException | None

_BUFFERS = 2  # one in use, one being filled
_LOOK_UP = 0.2  # seconds, for a person who wants to stop while an image is still being unpacked


def filled(
    fill: Fill, parts: Iterable[ByteRange], cancel: CancelFlag, what: str
) -> Iterator[tuple[ByteRange, Pages]]:
    """The parts with their bytes, in order; each one's memory is used again once the next is asked.

    Args:
        fill: puts the bytes from an offset on into memory.
        parts: none longer than a block; walked by the thread.
        cancel: looked at while waiting.
        what: is being done, for the error when it is cancelled.

    Raises:
        Cancelled: as asked.
        Exception: what `fill` or `parts` raised.
    """
    free: SimpleQueue[Pages] = SimpleQueue()
    ready: SimpleQueue[_Filled] = SimpleQueue()
    stop = Event()
    for _ in range(_BUFFERS):
        free.put(Pages())
    Thread(target=_fill, args=(fill, parts, free, ready, stop), daemon=True).start()
    try:
        while (got := _next(ready, cancel, what)) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got
            free.put(got[1])
    finally:
        stop.set()
        free.put(Pages(1))  # wakes it


def _next(ready: SimpleQueue[_Filled], cancel: CancelFlag, what: str) -> _Filled:
    while True:
        check_cancelled(cancel, what)
        try:
            return ready.get(timeout=_LOOK_UP)
        except Empty:
            continue


def _fill(
    fill: Fill,
    parts: Iterable[ByteRange],
    free: SimpleQueue[Pages],
    ready: SimpleQueue[_Filled],
    stop: Event,
) -> None:
    try:
        for part in parts:
            pages = free.get()
            if stop.is_set():
                return
            fill(part.offset, pages.view[: part.length])
            ready.put((part, pages))
        ready.put(None)
    except BaseException as error:  # told where the bytes were wanted
        ready.put(error)
