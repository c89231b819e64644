"""Whose turn it is to update: canaries first, so many at once, none once too many failed. Pure.

A node asks, and gets a lease or is told when to ask again. What became of it is seen in its
reports; a lease whose node fell silent runs out, and the next one goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from autosetup.report import Report
from autosetup.rollout_plan import RolloutPlan

LEASE_SECONDS = 900.0
# So long the canaries must have been well before the others follow.
SOAK_SECONDS = 60.0
# A rollout stops by itself when more than one in so many failed, and at least these.
ONE_IN, LEAST_FAILED = 10, 2
# When to ask again: the next in the queue soon, those far behind seldom.
_SOON, _A_PLACE, _LATE = 10, 2, 300
# Whoever does not come back within so long after that is forgotten.
_PATIENCE = 30.0
_HELD = "A few nodes try it first; the others follow when those are well."
_AT_WORK = ("fetching", "applying")


@dataclass(frozen=True, slots=True)
class Answer:
    """A lease of so many seconds; or not, why, and when to ask again."""

    granted: bool
    seconds: int
    why: str = ""

    def to_json(self) -> dict[str, object]:
        """The body of the answer."""
        if self.granted:
            return {"granted": True, "lease_seconds": self.seconds}
        return {"granted": False, "wait_seconds": self.seconds, "why": self.why}


UNKNOWN = Answer(granted=False, seconds=_SOON, why="The server does not know this generation yet.")


@dataclass(frozen=True, slots=True)
class Turns:
    """The rollout of one generation at one moment; times are seconds since 1970.

    Attributes:
        generation: that of the plan; 0 before there was one.
        leases: until when, by card.
        done: since when, by card.
        failed: cards that could not go to it, or went back.
        waiting: by card, until when it is expected to ask again.
    """

    generation: int = 0
    leases: Mapping[str, float] = field(default_factory=dict)
    done: Mapping[str, float] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    waiting: Mapping[str, float] = field(default_factory=dict)

    def under(self, plan: RolloutPlan | None) -> Turns:
        """The turns of a plan: these, or new ones where it is of another generation."""
        wanted = plan.generation if plan else 0
        return self if wanted == self.generation else Turns(wanted)

    def by(self, now: float) -> Turns:
        """The same by a clock that may have been put back since: no time is later than it can be.

        Args:
            now: seconds since 1970.
        """
        return replace(
            self,
            leases=_at_most(self.leases, now + LEASE_SECONDS),
            done=_at_most(self.done, now),
            waiting=_at_most(self.waiting, now + _LATE + _PATIENCE),
        )

    def ask(
        self, plan: RolloutPlan, card_id: str, generation: int, now: float
    ) -> tuple[Turns, Answer]:
        """A node wants to go to a generation now.

        Args:
            plan: the site's, whose turns these are, see `under`.
            card_id: of a card that belongs here.
            generation: that it would go to; none that is newer than the plan's.
            now: seconds since 1970.
        """
        if why := self._objection(plan, card_id, generation, now):
            return self, Answer(granted=False, seconds=_LATE, why=why)
        leases, waiting = _unexpired(self.leases, now), _unexpired(self.waiting, now)
        waiting.pop(card_id, None)
        place = _place(plan, card_id, waiting)
        is_held = self._awaits_canaries(plan, card_id, now)
        if card_id in leases or (not is_held and place < plan.at_once - len(leases)):
            leases[card_id] = now + LEASE_SECONDS
            turns = replace(self, leases=leases, waiting=waiting)
            return turns, Answer(granted=True, seconds=int(LEASE_SECONDS))
        wait = min(_SOON + _A_PLACE * place, _LATE)
        waiting[card_id] = now + wait + _PATIENCE
        taken = f"{len(leases)} of {plan.at_once} turns are taken; others come first."
        why = _HELD if is_held else taken
        turns = replace(self, leases=leases, waiting=waiting)
        return turns, Answer(granted=False, seconds=wait, why=why)

    def heard(self, report: Report, now: float) -> Turns:
        """A node told how it is; the report was verified."""
        card_id = report.card_id
        if not self.generation:
            return self
        if report.update.startswith(_AT_WORK):  # whoever has it may take its image's packages
            return self._prolonged(card_id, now)
        if self.generation == report.failed_generation or (
            report.generation == self.generation and report.state in ("failed", "rolled-back")
        ):
            return self._ended(card_id, failed=True, now=now)
        if report.generation == self.generation and report.state == "done":
            return self._ended(card_id, failed=False, now=now)
        return self

    def stopped(self, plan: RolloutPlan) -> str:
        """Why the rollout has stopped by itself; empty where it goes on."""
        if any(card in self.failed for card in plan.canaries):
            return "A node that was to try it first could not keep it."
        failed = len(self.failed.intersection(plan.cards))
        if failed >= LEAST_FAILED and failed * ONE_IN > len(plan.cards):
            return f"{failed} of {len(plan.cards)} nodes could not keep it."
        return ""

    def is_over(self, plan: RolloutPlan) -> bool:
        """Whether every card of the plan has it."""
        return all(card in self.done for card in plan.cards)

    def to_json(self) -> dict[str, object]:
        """What `turns_from` reads."""
        return {**asdict(self), "failed": sorted(self.failed)}

    def _objection(self, plan: RolloutPlan, card_id: str, generation: int, now: float) -> str:
        if plan.takes_back(generation):
            return "This generation was withdrawn."
        if plan.paused:
            return "The rollout is paused."
        if generation < plan.generation:
            return ""
        # Whoever is at it already is not stopped halfway.
        return "" if self.leases.get(card_id, 0.0) > now else self.stopped(plan)

    def _awaits_canaries(self, plan: RolloutPlan, card_id: str, now: float) -> bool:
        well_since = now - SOAK_SECONDS
        awaited = (card for card in plan.canaries if card in plan.cards)
        return not plan.is_canary(card_id) and any(
            self.done.get(card, now) > well_since for card in awaited
        )

    def _prolonged(self, card_id: str, now: float) -> Turns:
        if not now < self.leases.get(card_id, 0.0) < now + LEASE_SECONDS / 2:
            return self
        return replace(self, leases={**self.leases, card_id: now + LEASE_SECONDS})

    def _ended(self, card_id: str, *, failed: bool, now: float) -> Turns:
        is_known = card_id in self.failed if failed else card_id in self.done
        if is_known and card_id not in self.leases:
            return self
        leases = {card: until for card, until in self.leases.items() if card != card_id}
        done = {card: since for card, since in self.done.items() if card != card_id}
        others = self.failed - {card_id}
        if failed:
            return replace(self, leases=leases, done=done, failed=others | {card_id})
        since = self.done.get(card_id, now)
        return replace(self, leases=leases, done={**done, card_id: since}, failed=others)


def turns_from(raw: bytes) -> Turns:
    """Read the JSON of `Turns.to_json`; what cannot be read counts as a new beginning."""
    try:
        told = json.loads(raw)
        times = {
            name: {str(card): float(at) for card, at in told[name].items()}
            for name in ("leases", "done", "waiting")
        }
        return Turns(int(told["generation"]), failed=frozenset(map(str, told["failed"])), **times)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Turns()


def _place(plan: RolloutPlan, card_id: str, waiting: Mapping[str, float]) -> int:
    """How many of those that wait come before a card."""
    order = {card: place for place, card in enumerate(plan.cards)}

    def key(card: str) -> tuple[bool, int, str]:
        return not plan.is_canary(card), order.get(card, len(order)), card

    return sum(key(card) < key(card_id) for card in waiting)


def _at_most(times: Mapping[str, float], latest: float) -> dict[str, float]:
    return {card: min(at, latest) for card, at in times.items()}


def _unexpired(times: Mapping[str, float], now: float) -> dict[str, float]:
    return {card: until for card, until in times.items() if until > now}
