"""What the parts of one pass of the updater share: what they tell, and what they wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from autosetup import card_keys
from autosetup.counting import Sequence, begin
from autosetup.errors import AgentError
from autosetup.outlets import utc_now
from autosetup.run import Tools
from autosetup.update.capture import no_capture
from autosetup.update.found import Found
from autosetup.update.givers import givers
from autosetup.update.here import Ground, ground_of
from autosetup.update.turns import Asking, Lease, Turn
from autosetup.update_state import Doing, Updating, tell

_TURNS = "turns"
_SHORTEST_WAIT = 1.0
# A server that gives turns may come back before the plan's own time.
_LONGEST_WAIT = 300.0


@dataclass(slots=True)
class Pass:
    """One pass of the updater.

    Attributes:
        tools: of the node.
        pause: waits for some seconds.
        until: when the next pass comes, of `time.monotonic`.
        found: what the source has that was looked at last; None before.
    """

    tools: Tools
    pause: Callable[[float], None]
    until: float = 0
    found: Found | None = None
    _sequence: Sequence | None = field(default=None, init=False)

    def ground(self) -> Ground:
        """What this node brings now; raises as `ground_of`."""
        return ground_of(self.tools)

    def is_held(self, wanted: int) -> bool:
        """Whether the site lets nobody go to a generation; why is told."""
        plan = self.found.plan if self.found else None
        if plan is None or plan.lets_begin(wanted):
            return False
        withdrawn = f"Generation {wanted} was taken back by the site."
        self.wait(wanted, "The rollout is paused." if plan.paused else withdrawn)
        return True

    def ask(self, ground: Ground, wanted: int) -> tuple[Turn, Lease | None]:
        """The node's turn to have a generation; a lease where it was granted.

        Raises:
            AgentError: ``capturing``.
        """
        with self.no_capture(wanted):
            pass  # a turn that is not used would keep others from theirs
        plan = self.found.plan if self.found else None
        turn = self._asking(ground).ask(wanted, plan)
        if turn.granted:
            return turn, Lease(turn.seconds, lambda: self._asking(ground).ask(wanted, plan))
        self.wait(wanted, turn.why)
        return turn, None

    def rests(self, seconds: float) -> bool:
        """Wait before the next look; False, at once, where the next pass comes before that."""
        if time.monotonic() + seconds > self.until:
            return False
        self.pause(min(max(seconds, _SHORTEST_WAIT), _LONGEST_WAIT))
        return True

    def no_capture(
        self, generation: int, lease: Lease | None = None
    ) -> AbstractContextManager[None]:
        """Within it nobody captures; see `no_capture`.

        Raises:
            AgentError: ``capturing``.
        """

        def pause(seconds: float) -> None:
            if lease:
                lease.keep()
            self.wait(generation, "The scanner's software captures.")
            self.pause(seconds)

        seconds = max(0.0, self.until - time.monotonic())
        return no_capture(self.tools.system, seconds, pause)

    def wait(self, generation: int, why: str) -> None:
        """Tell what is waited for."""
        self.tell(Updating("waiting", generation=generation, reason=why))

    def tell_of(self, error: AgentError) -> None:
        """Tell why nothing is done."""
        doing: Doing = "waiting" if error.code == "capturing" else "refused"
        self.tell(Updating(doing, code=error.code, reason=f"{error.reason} {error.hint}"))

    def tell(self, updating: Updating) -> None:
        """Tell what is done, and by which source."""
        source = self.found.store.name if self.found else ""
        tell(self.tools.system, replace(updating, source=source, at=utc_now()))

    def _asking(self, ground: Ground) -> Asking:
        return Asking(
            ground.card_id,
            card_keys.load(self.tools.journal.folder, ground.card_id).report_key,
            givers(ground.system, ground.update, self.found.store if self.found else None),
            ground.update.authority,
            self._numbers,
        )

    def _numbers(self) -> Sequence:
        """One for as long as this runs: to begin one costs the card a write."""
        if self._sequence is None:
            self._sequence = begin(self.tools.journal.folder, _TURNS)
        return self._sequence
