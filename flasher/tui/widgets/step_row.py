"""One step of the work: its bar, its speed and the time left."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label, ProgressBar

from flasher.events import StepAdvanced, StepFinished, StepStarted
from flasher.progress import readable_seconds, readable_size
from flasher.tui.pace import Pace


class StepRow(Vertical):
    """Shows one step's events.

    Args:
        name: what the engine calls it.
        title: what it is called on the screen.
        ticks: seconds, for the speed.
    """

    def __init__(self, name: str, title: str, ticks: Callable[[], float]) -> None:
        super().__init__(id=f"step-{name}")
        self._title, self._ticks = title, ticks
        self._total: int | None = None
        self._pace = Pace(0)

    def compose(self) -> ComposeResult:
        """A line of words over a bar."""
        yield Label(classes="words")
        yield ProgressBar(total=1, show_eta=False)

    def on_mount(self) -> None:
        """Nothing yet."""
        self.reset()

    def reset(self) -> None:
        """As before it began."""
        self._say("·", "")
        self.query_one(ProgressBar).update(total=1, progress=0)
        self.remove_class("-done", "-failed", "-running")

    def start(self, event: StepStarted) -> None:
        """The step began."""
        self._total, self._pace = event.total, Pace(self._ticks())
        self.query_one(ProgressBar).update(total=event.total, progress=0)
        self.add_class("-running")
        self._say("▶", "")

    def advance(self, event: StepAdvanced) -> None:
        """The step got on."""
        self._pace.reach(self._ticks(), event.done)
        self.query_one(ProgressBar).update(total=event.total, progress=event.done)
        self._say("▶", self._words(event))

    def finish(self, event: StepFinished) -> None:
        """The step ended; one that ended well fills its bar, even if it had nothing to do."""
        if event.ok:
            self.query_one(ProgressBar).update(total=1, progress=1)
        self.remove_class("-running")
        self.add_class("-done" if event.ok else "-failed")
        self._say("✓" if event.ok else "✗", f"in {readable_seconds(event.seconds)}")

    def _words(self, event: StepAdvanced) -> str:
        total = event.total
        words = [readable_size(event.done) + (f" of {readable_size(total)}" if total else "")]
        if speed := self._pace.speed:
            words.append(f"{readable_size(speed)}/s")
        left = self._pace.seconds_left(total) if total else None
        if left:
            words.append(f"{readable_seconds(left)} left")
        return " · ".join(words)

    def _say(self, sign: str, words: str) -> None:
        self.query_one(".words", Label).update(
            Content.from_markup(
                "$sign [b]$title[/b]  $words", sign=sign, title=self._title, words=words
            )
        )
