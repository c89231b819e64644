"""How much may come and go: a bucket that fills at a rate, and how many may be served at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Bucket:
    """Lets `rate` a second pass, and `burst` at once after a pause.

    Args:
        rate: a second; above 0.
        burst: what it holds when full; a single portion may be larger.
        clock: seconds that only grow.
    """

    rate: float
    burst: float
    clock: Callable[[], float] = monotonic
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level, self._at = self.burst, self.clock()

    def has(self, amount: float) -> bool:
        """Whether so much may pass now; it is taken then."""
        self._fill()
        if self._level < amount:
            return False
        self._level -= amount
        return True

    def owe(self, amount: float) -> float:
        """Take so much in any case; the seconds to wait until it may pass."""
        self._fill()
        self._level -= amount
        return max(0.0, -self._level / self.rate)

    def _fill(self) -> None:
        now = self.clock()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now


class Senders:
    """A bucket for each sender; those that were silent longest are forgotten.

    Args:
        rate, burst: of each.
        most: how many senders are remembered.
    """

    def __init__(self, rate: float, burst: float, most: int = 4096) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def lets(self, sender: str) -> bool:
        """Whether one more may come from there."""
        bucket = self._buckets.pop(sender, None) or Bucket(self._rate, self._burst)
        self._buckets[sender] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.has(1)


@dataclass(slots=True)
class Throttle:
    """Bytes that all downloads together may take; None for as many as there are."""

    bucket: Bucket | None = None

    async def pass_on(self, size: int) -> None:
        """Wait until so many bytes may go."""
        if self.bucket and (wait := self.bucket.owe(size)):
            await asyncio.sleep(wait)


def throttle(bytes_per_second: float | None) -> Throttle:
    """At most so many bytes a second; None for no limit."""
    return Throttle(Bucket(bytes_per_second, bytes_per_second / 4) if bytes_per_second else None)
