"""Events drawn for people: bars with the time left on a terminal, a line a step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from flasher.events import Emit, Event, Noted, StepAdvanced, StepFinished, StepStarted

# Steps that end sooner than this need no line of their own where nobody watches.
_QUIET_SECONDS = 2.0
_LINE_INTERVAL = 15.0
_NOTE_WIDTH = 44
# Columns of a terminal that all but the bar and the note take, and the bar's own.
_OTHERS_WIDTH = 58
_BAR_WIDTH, _SHORT_BAR_WIDTH = 24, 10


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


class _SpeedColumn(ProgressColumn):
    """Megabytes a second, for the steps that move bytes."""

    def render(self, task: Task) -> Text:
        if task.fields["unit"] != "bytes" or not task.speed:
            return Text(task.fields["note"], style="dim")
        return Text(f"{readable_size(task.speed)}/s", style="cyan")


class BarProgress:
    """Bars on a terminal; a finished step leaves one line with its time."""

    def __init__(self, stream: TextIO) -> None:
        screen = RichConsole(file=stream)
        is_wide = screen.width >= _OTHERS_WIDTH + _BAR_WIDTH + _NOTE_WIDTH
        bar = _BAR_WIDTH if is_wide else _SHORT_BAR_WIDTH
        self._note_width = max(min(screen.width - _OTHERS_WIDTH - bar, _NOTE_WIDTH), 0)
        self._progress = Progress(
            TextColumn("{task.description:<26}"),
            BarColumn(bar_width=bar),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            _SpeedColumn(),
            console=screen,
            transient=True,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Emit:
        self._progress.start()
        return self._on_event

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            label = f"{event.subject}: {event.step}"
            self._tasks[event.subject, event.step] = self._progress.add_task(
                label, total=event.total, unit=event.unit, note=""
            )
        elif isinstance(event, StepAdvanced):
            task = self._tasks[event.subject, event.step]
            self._progress.update(task, completed=event.done, total=event.total)
        elif isinstance(event, StepFinished):
            self._finish(event)
        elif event.warning:
            self._progress.console.print(f"! {event.text}", style="yellow", markup=False)
        else:
            self._note(event)

    def _finish(self, event: StepFinished) -> None:
        task = self._tasks.pop((event.subject, event.step))
        self._progress.remove_task(task)
        sign, style = ("✓", "green") if event.ok else ("✗", "red")
        line = f"{sign} {event.subject}: {event.step} ({readable_seconds(event.seconds)})"
        self._progress.console.print(line, style=style, markup=False, highlight=False)

    def _note(self, event: Noted) -> None:
        for (subject, _), task in self._tasks.items():
            if subject == event.subject:
                self._progress.update(task, note=event.text.strip()[: self._note_width])


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
