"""Events drawn on a terminal: bars with the time left.

Apart from `flasher.progress`, whose words are needed where nothing is drawn: rich takes a moment to
load.
"""

from __future__ import annotations

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
from flasher.progress import readable_seconds, readable_size

_NOTE_WIDTH = 44
# Columns of a terminal that all but the bar and the note take, and the bar's own.
_OTHERS_WIDTH = 58
_BAR_WIDTH, _SHORT_BAR_WIDTH = 24, 10


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
            self._warn(event)
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

    def _warn(self, event: Noted) -> None:
        line = f"! {event.subject}: {event.text}"
        self._progress.console.print(line, style="yellow", markup=False, highlight=False)
