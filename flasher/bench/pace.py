"""How fast a stage is, and how long it still takes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# Short enough to follow a card that slows down, long enough not to flicker.
WINDOW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Speed over the last seconds of one stage.

    Attributes:
        points: (seconds, bytes done), oldest first.
    """

    points: tuple[tuple[float, int], ...] = ()

    def reach(self, now: float, done: int) -> Pace:
        """The same after `done` bytes were done at `now`."""
        points = (*self.points, (now, done))
        late = next(
            (n for n, (when, _) in enumerate(points[1:]) if now - when <= WINDOW_SECONDS), 0
        )
        return Pace(points[late:])

    @property
    def speed(self) -> float | None:
        """Bytes a second; None before anything can be said."""
        if not self.points:
            return None
        (begun, first), (now, last) = self.points[0], self.points[-1]
        return (last - first) / (now - begun) if now > begun and last > first else None

    def seconds_left(self, total: int | None) -> float | None:
        """Seconds until `total` bytes are done, at this speed; None where it is not known."""
        speed = self.speed
        if speed is None or total is None:
            return None
        return max(total - self.points[-1][1], 0) / speed
