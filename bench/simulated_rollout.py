"""A rollout on simulated nodes: the timer of each, who has it when, and what it took."""

from __future__ import annotations

import heapq
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from simulated_rig import SimulatedNode

_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Course:
    """How one node comes to a generation.

    Attributes:
        passes: how often its timer started the updater.
        seconds: from the rollout's beginning until it was done with it; None until then.
        received: bytes that came in since that beginning, frames and all.
        last: the last thing that its updater said.
    """

    node: SimulatedNode
    passes: int = 0
    seconds: float | None = None
    received: int = 0
    last: str = ""
    before: int = 0


@dataclass(slots=True)
class Rollout:
    """Has nodes come to a generation.

    Args:
        nodes: that are on.
        generation: that they shall come to.
        at_once: how many updaters may run at a time, those that wait for their turn included:
            this computer has to carry them all.
        pause: from the end of a pass to the next one, at most, in seconds; half of it at least.
        seed: of who begins when.
        settled: told of each node that has it.
        took: seconds, once it is over.
    """

    nodes: Sequence[SimulatedNode]
    generation: int
    at_once: int = 16
    pause: float = 10
    seed: int = 1
    settled: Callable[[Course], None] = lambda _: None
    took: float = 0
    courses: list[Course] = field(default_factory=list)
    _running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    _begun: float = 0

    def run(
        self,
        seconds: float,
        look: Callable[[Rollout], bool] = lambda _: True,
        gone: Callable[[SimulatedNode], bool] = lambda _: False,
    ) -> None:
        """Start each node's updater again and again until all have it, or the time is over.

        Args:
            seconds: for all of it.
            look: told after each look; False ends it.
            gone: whether a node will never have it, so that nobody waits for it.
        """
        chance = random.Random(self.seed)  # noqa: S311
        self._begun = time.monotonic()
        self.courses = [Course(node, before=node.received()) for node in self.nodes]
        due = [(chance.uniform(0, self.pause), at) for at in range(len(self.nodes))]
        heapq.heapify(due)
        try:
            while self.now < seconds and look(self):
                left = [c for c in self.courses if c.seconds is None and not gone(c.node)]
                if not left:
                    break
                while due and due[0][0] <= self.now and len(self._running) < self.at_once:
                    self._start(heapq.heappop(due)[1])
                for at in self._ended():
                    later = self.now + chance.uniform(self.pause / 2, self.pause)
                    heapq.heappush(due, (later, at))
                time.sleep(_LOOK_SECONDS)
        finally:
            self.took = self.now
            for at in tuple(self._running):
                self._running[at].kill()
                self._end(at)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    @property
    def done(self) -> list[Course]:
        """Of those that have it."""
        return [course for course in self.courses if course.seconds is not None]

    @property
    def at_work(self) -> list[SimulatedNode]:
        """Nodes whose updater runs."""
        return [self.nodes[at] for at in self._running]

    def _start(self, at: int) -> None:
        self._running[at] = self.nodes[at].start("update")
        self.courses[at].passes += 1

    def _ended(self) -> list[int]:
        """Those whose pass is over and who have to try again."""
        over = [at for at, child in self._running.items() if child.poll() is not None]
        return [at for at in over if not self._end(at)]

    def _end(self, at: int) -> bool:
        course, child = self.courses[at], self._running.pop(at)
        told, _ = child.communicate()
        course.last = told.strip()[-2000:]
        status = course.node.status
        if status and status.state == "done" and status.generation == self.generation:
            course.seconds = self.now
            with suppress(OSError):
                course.received = course.node.received() - course.before
            self.settled(course)
        return course.seconds is not None
