"""Events told to people a line a step; sizes and times as people say them."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

from flasher.events import Emit, Event, StepAdvanced, StepFinished, StepStarted

# Steps that end sooner than this need no line of their own where nobody watches.
_QUIET_SECONDS = 2.0
_LINE_INTERVAL = 15.0


def readable_size(count: float) -> str:
    """Bytes in the unit people use for cards: 1000-based, as printed on them."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def readable_seconds(seconds: float) -> str:
    """A span of time: ``0.8 s``, ``42 s``, ``3 min 07 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class LineProgress:
    """Lines for logs: a step when it ends, a long one every 15 seconds, warnings at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun_at: dict[tuple[str, str], float] = {}
        self._said_at: dict[tuple[str, str], float] = {}

    def __enter__(self) -> Emit:
        return self._on_event

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            now = time.monotonic()
            self._begun_at[event.subject, event.step] = self._said_at[event.subject, event.step] = (
                now
            )
        elif isinstance(event, StepAdvanced):
            self._advance(event)
        elif isinstance(event, StepFinished):
            if event.seconds >= _QUIET_SECONDS or not event.ok:
                end = "done" if event.ok else "FAILED"
                self._say(
                    f"{event.subject}: {event.step}: {end} ({readable_seconds(event.seconds)})"
                )
        elif event.warning:
            self._say(f"{event.subject}: {event.text}")

    def _advance(self, event: StepAdvanced) -> None:
        key, now = (event.subject, event.step), time.monotonic()
        if now - self._said_at.get(key, now) >= _LINE_INTERVAL:
            self._said_at[key] = now
            self._say(
                f"{event.subject}: {event.step}: {_how_far(event, now - self._begun_at[key])}"
            )

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _how_far(event: StepAdvanced, elapsed: float) -> str:
    """Share, time gone and, once there is something to reckon from, time left."""
    gone = readable_seconds(elapsed)
    if not event.total or not event.done:
        return f"after {gone}"
    left = readable_seconds(elapsed * (event.total - event.done) / event.done)
    return f"{100 * event.done // event.total} % after {gone}, about {left} left"
