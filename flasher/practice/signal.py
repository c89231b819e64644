"""Tells those who watch a practice bench at once that something happened."""

from __future__ import annotations

from threading import Condition


class Bell:
    """Rung when something happens; whoever listens hears it once."""

    def __init__(self) -> None:
        self._rung = Condition()
        self.count = 0

    def ring(self) -> None:
        """Wake all that wait."""
        with self._rung:
            self.count += 1
            self._rung.notify_all()

    def wait(self, heard: int, seconds: float) -> int:
        """How often it has rung; returns as soon as that is no longer `heard`, or after a time."""
        with self._rung:
            self._rung.wait_for(lambda: self.count != heard, seconds)
            return self.count


class BellSignal:
    """A `flasher.drives.watch.Signal` that listens to a bell from now on."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._heard = bell.count

    def wait(self, seconds: float) -> bool:
        """Whether it has rung since the last time that this was asked, or does meanwhile."""
        before, self._heard = self._heard, self._bell.wait(self._heard, seconds)
        return self._heard != before

    def close(self) -> None:
        """Nothing is held."""
