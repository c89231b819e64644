"""Work that goes on while others already use what is done: a thread, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Condition, Lock, Thread
from typing import Any, Generic, TypeVar

from flasher.events import NEVER, CancelFlag, Emit, check_cancelled, step

T = TypeVar("T")
_POLL_SECONDS = 0.1


def in_background(work: Callable[[], T]) -> Future[T]:
    """Start work in a thread that ends with the process; its result or its error is kept."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


class Later(Generic[T]):
    """Work that begins in the background when somebody wants its result."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work, self._lock = work, Lock()
        self._future: Future[T] | None = None

    def begin(self) -> Future[T]:
        """Its result to come; it begins at the first call."""
        with self._lock:
            self._future = self._future or in_background(self._work)
            return self._future


def wait_for(future: Future[Any], cancel: CancelFlag) -> None:
    """Return when work is done, or raise its error; raises `Cancelled` as asked."""
    while not future.done():
        check_cancelled(cancel, "Checking the image")
        wait([future], _POLL_SECONDS)
    future.result()


class Watermark:
    """How many bytes of a file are there, counted from its beginning.

    Args:
        reached: bytes that are there from the start.
        is_whole: whether that is all.
    """

    def __init__(self, reached: int = 0, *, is_whole: bool = False) -> None:
        self._changed = Condition()
        self._reached = reached
        self._is_whole = is_whole
        self._error: BaseException | None = None

    @property
    def reached(self) -> int:
        """Bytes that are there."""
        return self._reached

    @property
    def is_whole(self) -> bool:
        """Whether no more bytes will come."""
        return self._is_whole

    def rise(self, reached: int) -> None:
        """More bytes are there; raises what went wrong elsewhere, so that no more are made."""
        with self._changed:
            if self._error:
                raise self._error
            self._reached = max(self._reached, reached)
            self._changed.notify_all()

    def finish(self) -> None:
        """All bytes are there."""
        with self._changed:
            self._is_whole = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """No more bytes will come, or those that came are wrong: all who wait hear of it."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def wait(self, end: int) -> int:
        """Return once `end` bytes are there, or all; how many there are. Raises what went wrong."""
        if self._reached >= end and self._error is None:
            return self._reached
        with self._changed:
            self._changed.wait_for(
                lambda: self._error or self._is_whole or self._reached >= end, None
            )
            if self._error:
                raise self._error
            return self._reached


def wait_aloud(
    future: Future[T],
    watermark: Watermark,
    told: tuple[Emit, str, str],
    cancel: CancelFlag = NEVER,
) -> T:
    """The result of work that follows a watermark; how far that is, is told meanwhile.

    Args:
        told: whom, of whom, and the step's name.
    """
    emit, subject, name = told
    if future.done():
        return future.result()
    with step(emit, subject, name, None, "bytes") as progress:
        while not future.done():
            check_cancelled(cancel, f"{subject}: {name}")
            progress.reach(watermark.reached)
            wait([future], _POLL_SECONDS)
    return future.result()
