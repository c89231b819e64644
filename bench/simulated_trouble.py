"""What goes wrong while a simulated rig comes to a release: a server that dies, pulled cables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulated_network import Network, place_of
from simulated_rig import SimulatedNode
from simulated_rollout import Rollout
from simulated_server import Server

_LOST = 2


@dataclass(slots=True)
class Troubles:
    """What goes wrong, when, and on whom.

    Args:
        network: whose cables are pulled.
        server: that dies.
        pause: see `Rollout`; the server is away for half of it, and cables are for twice as long.
        say: told what goes wrong, in words.
        told: all of these words.
        lost: nodes whose cable is never mended.
    """

    network: Network
    server: Server
    pause: float
    say: Callable[[str], None]
    told: list[str] = field(default_factory=list)
    lost: list[SimulatedNode] = field(default_factory=list)
    _down: list[SimulatedNode] = field(default_factory=list)
    _mend_at: float = 0
    _start_at: float = 0

    def look(self, rollout: Rollout) -> bool:
        """Do what is due; the rollout always goes on."""
        share = len(rollout.done) / len(rollout.nodes)
        if share >= 0.1 and not self._start_at:
            self.server.kill()
            self._start_at = rollout.now + self.pause / 2
            self._tell(rollout, "the server is killed")
        if self.server.child is None and rollout.now >= self._start_at:
            self._start(rollout)
        if share >= 0.2 and not self._mend_at:
            self._cut(rollout)
        if self._down and rollout.now >= self._mend_at:
            self._mend(rollout)
        return True

    def end(self, rollout: Rollout) -> None:
        """Mend all but the nodes that are lost: the others have yet to say what they have."""
        if self.server.child is None:
            self._start(rollout)
        if self._down:
            self._mend(rollout)

    def _start(self, rollout: Rollout) -> None:
        self.server.start()
        self._tell(rollout, "the server is back")

    def _cut(self, rollout: Rollout) -> None:
        at_work = rollout.at_work
        if len(at_work) <= _LOST:
            return
        self.lost, self._down = at_work[:_LOST], at_work[_LOST : 2 * _LOST + 2]
        for node in at_work[: 2 * _LOST + 2]:
            self.network.set_cable(place_of(node.number), up=False)
        self._mend_at = rollout.now + 2 * self.pause
        self._tell(rollout, f"{len(self._down)} nodes are cut off, {_LOST} more for good")

    def _mend(self, rollout: Rollout) -> None:
        for node in self._down:
            self.network.set_cable(place_of(node.number), up=True)
        self._tell(rollout, f"{len(self._down)} cables are mended")
        self._down = []

    def _tell(self, rollout: Rollout, what: str) -> None:
        self.told.append(f"{rollout.now:.0f} s, {len(rollout.done)} nodes done: {what}")
        self.say(self.told[-1])
