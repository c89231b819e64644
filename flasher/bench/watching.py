"""Drives watched for as long as a bench lives, whatever goes wrong with looking at them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from flasher.bench.heard import Watched
from flasher.drives.model import Drive, DriveCatalog
from flasher.drives.watch import LOOK_EVERY_SECONDS, DriveEvent, Signal, watch
from flasher.errors import explained
from flasher.events import CancelFlag


def watch_on(
    catalog: DriveCatalog,
    open_signal: Callable[[], Signal],
    nudged: Event,
    cancel: CancelFlag,
    hear: Callable[[DriveEvent | Watched], None],
) -> None:
    """Tell what happens to drives until it is cancelled; also what keeps them from being seen.

    Args:
        nudged: set by who wants a look within a second.
        hear: told in this thread.
    """
    steady = _Steady(catalog, nudged, hear)
    while not cancel.is_set():
        try:
            signal = open_signal()
            try:
                for event in watch(steady, _Nudged(signal, nudged), cancel):
                    hear(event)
            finally:
                signal.close()
        except Exception as error:
            hear(Watched(explained(error)))
            cancel.wait(LOOK_EVERY_SECONDS)


class _Steady:
    """A catalog that has what it had as long as it cannot be looked at, and is asked again soon."""

    def __init__(
        self, catalog: DriveCatalog, nudged: Event, hear: Callable[[Watched], None]
    ) -> None:
        self._catalog, self._nudged, self._hear = catalog, nudged, hear
        self._last: tuple[Drive, ...] = ()
        self._is_told = False

    def drives(self) -> tuple[Drive, ...]:
        """All drives there are now, or were last."""
        try:
            self._last = self._catalog.drives()
        except Exception as error:
            self._nudged.set()
            self._is_told = True
            self._hear(Watched(explained(error)))
        else:
            if self._is_told:
                self._is_told = False
                self._hear(Watched(None))
        return self._last

    def find(self, argument: str) -> Drive:
        """As the catalog itself."""
        return self._catalog.find(argument)


class _Nudged:
    """A signal that a person can give, too."""

    def __init__(self, signal: Signal, nudged: Event) -> None:
        self._signal, self._nudged = signal, nudged

    def wait(self, seconds: float) -> bool:
        """Whether it is time to look again."""
        told = self._signal.wait(seconds)
        nudged = self._nudged.is_set()
        self._nudged.clear()
        return told or nudged

    def close(self) -> None:
        """The signal is closed by who opened it."""
