"""How fast a step is, and how long it still takes."""

from __future__ import annotations

from collections import deque

# Short enough to follow a card that slows down, long enough not to flicker.
WINDOW_SECONDS = 5.0


class Pace:
    """Speed over the last seconds of one step, from points (seconds, bytes done)."""

    def __init__(self, now: float) -> None:
        self._points = deque([(now, 0)])

    def reach(self, now: float, done: int) -> None:
        """Note that `done` bytes were done at `now`."""
        self._points.append((now, done))
        while len(self._points) > 2 and now - self._points[1][0] > WINDOW_SECONDS:
            self._points.popleft()

    @property
    def speed(self) -> float | None:
        """Bytes a second; None before anything can be said."""
        (begun, first), (now, last) = self._points[0], self._points[-1]
        return (last - first) / (now - begun) if now > begun and last > first else None

    def seconds_left(self, total: int) -> float | None:
        """Seconds until `total` bytes are done, at this speed; None where it is not known."""
        speed = self.speed
        return (total - self._points[-1][1]) / speed if speed else None
