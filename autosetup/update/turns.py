"""Whose turn it is: a server of the site says so; where none answers, the plan's own times hold.

A turn is politeness, not trust: it keeps a rig from updating all at once. What a node applies is
decided by signatures alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from autosetup import envelope
from autosetup.counting import Sequence
from autosetup.post import Post, Unanswered
from autosetup.rollout_plan import RolloutPlan

_PATH = "turns"
_OK, _BUSY, _BUSY_SECONDS = 200, frozenset({429, 503}), 30.0
_LONGEST_LEASE, _LONGEST_WAIT = 86_400.0, 3600.0
_LONGEST_WHY = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer.

    Attributes:
        granted: the node may begin.
        seconds: for so long, 0 for as long as it takes; or else after so many to ask again.
        why: not, in words; may be empty.
    """

    granted: bool
    seconds: float = 0
    why: str = ""


@dataclass(slots=True)
class Asking:
    """A card that asks for its turn.

    Attributes:
        card_id, key: of the card, with its private key for reports in base64; empty for none.
        boards: addresses that may give turns.
        authority: the site's certificate, in PEM; may be empty.
        sequence: of numbers that grow; made when it is needed.
        now: the UTC time, as well as this node knows it.
    """

    card_id: str
    key: str = field(repr=False)
    boards: Iterable[str]
    authority: str
    sequence: Callable[[], Sequence]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _numbers: Sequence | None = None

    def ask(self, generation: int, plan: RolloutPlan | None) -> Turn:
        """Whether the card may go to a generation now."""
        for address in self.boards if self.key else ():
            if turn := self._asked(address, generation):
                return turn
        if plan is None or plan.is_of_time_to_come(self.now()):
            return Turn(granted=True)
        left = (plan.earliest(self.card_id) - self.now()).total_seconds()
        if left <= 0:
            return Turn(granted=True)
        at = plan.earliest(self.card_id).strftime("%Y-%m-%d %H:%M UTC")
        return Turn(granted=False, seconds=left, why=f"It is this node's turn at {at}.")

    def _asked(self, address: str, generation: int) -> Turn | None:
        """What a server says; None where it says nothing that makes sense to this card."""
        if self._numbers is None:
            self._numbers = self.sequence()
        said = {
            "card_id": self.card_id,
            "generation": generation,
            "sequence": self._numbers.next(),
        }
        body = envelope.write(envelope.TURN, self.card_id, json.dumps(said), self.key)
        post = Post(address, self.authority)
        try:
            status, raw = post.send(_PATH, body)
        except Unanswered:
            return None
        finally:
            post.close()
        if status in _BUSY:  # it is there, and would give turns: the plan's times are not for this
            return Turn(granted=False, seconds=_BUSY_SECONDS, why="The server is busy.")
        return read_turn(raw) if status == _OK else None


@dataclass(slots=True)
class Lease:
    """A turn that was granted, asked for again before it runs out.

    Attributes:
        renew: asks once more; what it says is no reason to stop halfway.
    """

    seconds: float
    renew: Callable[[], Turn]
    clock: Callable[[], float] = time.monotonic
    _since: float = 0

    def __post_init__(self) -> None:
        self._since = self.clock()

    def keep(self) -> None:
        """Ask again where half of the time is over."""
        if self.seconds and self.clock() - self._since > self.seconds / 2:
            self._since = self.clock()
            turn = self.renew()
            self.seconds = turn.seconds if turn.granted else self.seconds


def read_turn(raw: bytes) -> Turn | None:
    """What a server answered; None where that makes no sense."""
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("granted"), bool):
        return None
    if told["granted"]:
        return Turn(granted=True, seconds=_seconds(told, "lease_seconds", _LONGEST_LEASE))
    why = told.get("why")
    shown = why[:_LONGEST_WHY] if isinstance(why, str) else ""
    return Turn(granted=False, seconds=_seconds(told, "wait_seconds", _LONGEST_WAIT), why=shown)


def _seconds(told: dict[str, object], name: str, most: float) -> float:
    found = told.get(name)
    if not isinstance(found, int | float) or not found >= 0:
        return 0
    return min(float(cast("float", found)), most)
