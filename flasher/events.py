"""Progress as frozen events: the engine emits them, the edges draw them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as CancelFlag
from typing import Literal

from flasher.errors import Cancelled

Unit = Literal["bytes", "steps", "seconds"]

__all__ = [
    "NEVER",
    "CancelFlag",
    "Emit",
    "Event",
    "Noted",
    "Progress",
    "StepAdvanced",
    "StepFinished",
    "StepStarted",
    "Unit",
    "check_cancelled",
    "ignore",
    "step",
]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began.

    Attributes:
        subject: whom it concerns: a drive, a layer, a node.
        step: what is being done, as people say it: ``write``, ``verify``, ``boot``.
        total: amount of work in `unit`; None where it cannot be known.
    """

    subject: str
    step: str
    total: int | None
    unit: Unit


@dataclass(frozen=True, slots=True)
class StepAdvanced:
    """A step got on: `done` of its total, in the unit it was started with."""

    subject: str
    step: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step ended, well or not, after `seconds`."""

    subject: str
    step: str
    ok: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Noted:
    """A line worth keeping: output of a tool, a warning, a console line."""

    subject: str
    text: str
    warning: bool = False


Event = StepStarted | StepAdvanced | StepFinished | Noted
Emit = Callable[[Event], None]


class _Never(CancelFlag):
    """Nobody may set it: it is everyone's."""

    def set(self) -> None:
        """Not this one."""
        raise RuntimeError("make a CancelFlag of your own to cancel with")


# The flag of work that nobody cancels.
NEVER: CancelFlag = _Never()


def ignore(_event: Event) -> None:
    """An `Emit` for callers who do not listen."""


def check_cancelled(cancel: CancelFlag, what: str) -> None:
    """Raise `Cancelled` if the flag is set; long work calls this between chunks."""
    if cancel.is_set():
        raise Cancelled(what)


class Progress:
    """Advances one step, emitting at most ten events a second (and always the last one)."""

    INTERVAL = 0.1

    def __init__(self, emit: Emit, subject: str, step: str, total: int | None) -> None:
        self._emit, self._subject, self._step, self._total = emit, subject, step, total
        self._emitted_at = 0.0
        self.done = 0

    def advance(self, amount: int) -> None:
        """Add `amount` units of finished work."""
        self.reach(self.done + amount)

    def reach(self, done: int) -> None:
        """Set the finished work to `done` units."""
        self.done = done
        now = time.monotonic()
        if done == self._total or now - self._emitted_at >= self.INTERVAL:
            self._emitted_at = now
            self._emit(StepAdvanced(self._subject, self._step, done, self._total))


@contextmanager
def step(
    emit: Emit, subject: str, name: str, total: int | None = None, unit: Unit = "steps"
) -> Iterator[Progress]:
    """Emit start and finish around a block; the block advances the `Progress` it is given."""
    emit(StepStarted(subject, name, total, unit))
    begun = time.monotonic()
    ok = False
    try:
        yield Progress(emit, subject, name, total)
        ok = True
    finally:
        emit(StepFinished(subject, name, ok, time.monotonic() - begun))
