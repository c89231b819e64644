"""Many drives at once: a thread for each, and none ever waits for another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from flasher.errors import FlasherError, explained
from flasher.events import CancelFlag, Emit, Event, Noted

T = TypeVar("T")

# Seconds without a sign of life after which a person hears of it; and after being told to stop,
# those after which a drive is left to itself.
PATIENCE = 30.0
GRACE = 15.0
_TICK = 0.5


@dataclass(frozen=True, slots=True)
class Lane(Generic[T]):
    """One drive's work.

    Attributes:
        name: of the drive, for people.
        work: given an `Emit`; runs in a thread of its own, and ends soon after it is cancelled.
    """

    name: str
    work: Callable[[Emit], T]


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    outcome: T | FlasherError


_Told = SimpleQueue[tuple[int, Event | _Ended[T]]]


def run_lanes(
    lanes: Sequence[Lane[T]],
    *,
    emit: Emit,
    cancel: CancelFlag,
    patience: float = PATIENCE,
    grace: float = GRACE,
) -> tuple[T | FlasherError, ...]:
    """Do the work of all lanes at the same time.

    Args:
        lanes: none waits for another, however slow or broken.
        emit: called in this thread only, whatever the lanes say; so a slow screen holds up none.
        cancel: set by whoever wants to stop, also by this function when it is interrupted; a drive
            that does not even answer then is left to itself.
        patience: seconds without progress after which a warning is given.
        grace: seconds in which a lane must end once it is cancelled.

    Returns:
        What each lane came to, in their order; errors as values.
    """
    running = _Lanes(lanes, emit, cancel, patience, grace)
    try:
        running.start()
        running.listen()
    except BaseException:
        cancel.set()
        running.listen()
        raise
    return running.results()


class _Lanes(Generic[T]):
    """The lanes under way."""

    def __init__(
        self,
        lanes: Sequence[Lane[T]],
        emit: Emit,
        cancel: CancelFlag,
        patience: float,
        grace: float,
    ) -> None:
        self._lanes, self._emit, self._cancel = lanes, emit, cancel
        self._patience, self._grace = patience, grace
        self._told: _Told[T] = SimpleQueue()
        self._outcomes: dict[int, T | FlasherError] = {}
        self._moved_at = [time.monotonic()] * len(lanes)
        self._warned: set[int] = set()
        self._cancelled_at: float | None = None
        self._begun = 0

    def start(self) -> None:
        """Begin all of them."""
        for number, lane in enumerate(self._lanes):
            self._begun += 1
            Thread(target=_run, args=(number, lane, self._told), daemon=True).start()

    def listen(self) -> None:
        """Until all that were begun have ended, or been given up."""
        while len(self._outcomes) < self._begun:
            try:
                number, told = self._told.get(timeout=_TICK)
            except Empty:
                pass
            else:
                self._hear(number, told)
            self._look_after()

    def results(self) -> tuple[T | FlasherError, ...]:
        """What they came to."""
        return tuple(self._outcomes[number] for number in range(len(self._lanes)))

    def _hear(self, number: int, told: Event | _Ended[T]) -> None:
        self._moved_at[number] = time.monotonic()
        self._warned.discard(number)
        if isinstance(told, _Ended):
            self._outcomes[number] = told.outcome
        else:
            self._emit(told)

    def _look_after(self) -> None:
        now = time.monotonic()
        if self._cancel.is_set() and self._cancelled_at is None:
            self._cancelled_at = now
        for number in set(range(self._begun)) - self._outcomes.keys():
            if self._cancelled_at is not None and now - self._cancelled_at > self._grace:
                self._outcomes[number] = no_answer(self._lanes[number].name)
            elif now - self._moved_at[number] > self._patience and number not in self._warned:
                self._warned.add(number)
                self._warn(self._lanes[number].name)

    def _warn(self, name: str) -> None:
        words = f"{silent_for(self._patience)} Others go on; to give up, press Ctrl-C."
        self._emit(Noted(name, words, warning=True))


def _run(number: int, lane: Lane[T], told: _Told[T]) -> None:
    outcome = outcome_of(lane, lambda event: told.put((number, event)))
    told.put((number, _Ended(outcome)))


def outcome_of(lane: Lane[T], emit: Emit) -> T | FlasherError:
    """Do a lane's work in this thread; an error is a value, whatever it is."""
    try:
        return lane.work(emit)
    except BaseException as error:  # it must be told, or all would wait for ever
        return explained(error) if isinstance(error, Exception) else no_answer(lane.name)


def silent_for(seconds: float) -> str:
    """What a person hears of a lane without a sign of life."""
    return f"No answer for {seconds:.0f} s, from the card or from where the image comes."


def no_answer(name: str) -> FlasherError:
    """The end of a drive that was left to itself."""
    return FlasherError(
        "no-answer",
        f"{name} did not answer any more, and was left to itself.",
        "Unplug its reader, plug it in again, and start again.",
    )
