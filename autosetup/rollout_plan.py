"""The plan of a rollout: which cards go to a generation, in which order, and if they still may.

A site signs it; nodes, and the server that gives them turns, go by the same rules. No clock is read
here: whoever asks brings the time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autosetup import forms
from autosetup.manifest import LARGEST
from autosetup.strict import Table, pattern
from autosetup.strict_json import reading_json

FORMAT = 1
FILE = "rollout.json"
MOST_AT_ONCE = 10_000
MOST_SPACING_SECONDS = 7 * 86_400
# As the builder names the agent's package, below the repository's targets.
AGENT = pattern(
    r"agent/autosetup_[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}_all\.deb", "agent/autosetup_VERSION_all.deb"
)

_GENERATION = pattern(r"[1-9][0-9]{0,14}", "a generation in quotes")
_SPREAD_LOTS = 2
_MOST_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """What a site wants of its nodes.

    Attributes:
        site: its name.
        generation: the newest one that was released.
        released_at: when it was signed, or went on after a pause, UTC, such as
            ``2026-11-22T03:39:50Z``; lots count from then.
        cards: ids of those that get this generation, in their order, see `in_order`.
        canaries: ids of those that go first; the others wait until they are well.
        at_once: how many may be at it together.
        spacing_seconds: between one lot of so many and the next, where no server gives turns; 0
            lets all begin at once.
        paused: no node begins.
        withdrawn: generations that nodes go back from, and never to.
        agent: target path of the agent that nodes should run; empty for the one that they have.
    """

    site: str
    generation: int
    released_at: str
    cards: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    at_once: int = 10
    spacing_seconds: int = 0
    paused: bool = False
    withdrawn: tuple[int, ...] = ()
    agent: str = ""

    def is_canary(self, card_id: str) -> bool:
        """Whether a card goes first."""
        return card_id in self.canaries

    def takes_back(self, generation: int) -> bool:
        """Whether a node must go back from a generation, and may not go to it."""
        return generation in self.withdrawn

    def lets_begin(self, generation: int) -> bool:
        """Whether a node may go to a generation at all, once it is its turn."""
        return not self.paused and not self.takes_back(generation)

    def lot(self, card_id: str) -> int:
        """Which lot a card goes with: canaries 0, then `at_once` each; unnamed cards come last."""
        if self.is_canary(card_id):
            return 0
        others = [card for card in self.cards if not self.is_canary(card)]
        place = others.index(card_id) if card_id in others else len(others)
        return 1 + place // self.at_once

    def is_of_time_to_come(self, now: datetime) -> bool:
        """Whether it was made by a clock that was days ahead, so that its times tell nothing."""
        return self._released > now + _MOST_AHEAD

    def earliest(self, card_id: str) -> datetime:
        """When a card may begin where no server gives turns: in its lot's time, not all at once.

        Canaries begin when they hear of it, so that they are through before the others.
        """
        if self.is_canary(card_id):
            return self._released
        lots = self.lot(card_id) + _chance(card_id, self.generation)
        return self._released + lots * timedelta(seconds=self.spacing_seconds)

    @property
    def _released(self) -> datetime:
        return datetime.fromtimestamp(forms.seconds_of(self.released_at), UTC)


def in_order(numbers: Mapping[str, int], plan: RolloutPlan) -> tuple[str, ...]:
    """The order of cards: canaries, then by node number with a random part.

    The part is the same whenever it is asked for, and another one in each generation. It is as
    large as two lots, so that nodes side by side are not all away at the same time.

    Args:
        numbers: of the nodes, by card id.
        plan: `generation`, `canaries` and `at_once` count.
    """

    def key(card_id: str) -> tuple[bool, float, str]:
        chance = _SPREAD_LOTS * plan.at_once * _chance(card_id, plan.generation)
        return not plan.is_canary(card_id), numbers[card_id] + chance, card_id

    return tuple(sorted(numbers, key=key))


def read_plan(raw: bytes) -> RolloutPlan:
    """Read the bytes of a plan.

    Raises:
        Faulty: with all its faults.
    """
    with reading_json(FILE, raw) as top:
        _check_format(top)
        plan = RolloutPlan(
            site=top.string("site", form=forms.SITE),
            generation=top.integer("generation", low=1, high=LARGEST),
            released_at=top.string("released_at"),
            cards=top.strings("cards", form=forms.CARD_ID),
            canaries=top.strings("canaries", form=forms.CARD_ID),
            at_once=top.integer("at_once", low=1, high=MOST_AT_ONCE),
            spacing_seconds=top.integer("spacing_seconds", low=0, high=MOST_SPACING_SECONDS),
            paused=top.boolean("paused"),
            withdrawn=_generations(top, "withdrawn"),
            agent=_agent(top),
        )
        _check_together(top, plan)
    return plan


def write_plan(plan: RolloutPlan) -> bytes:
    """The bytes of a plan: JSON, keys sorted."""
    content = {"format": FORMAT, **dataclasses.asdict(plan)}
    content["withdrawn"] = [str(generation) for generation in plan.withdrawn]
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _check_format(top: Table) -> None:
    found = top.integer("format", low=1, high=LARGEST)
    if top.has("format") and found > FORMAT:
        what = f"This plan is of format {found}; the agent knows up to {FORMAT}."
        top.fault("format", what, "Bring the agent up to date.")


def _generations(top: Table, key: str) -> tuple[int, ...]:
    return tuple(int(t) for t in top.strings(key, form=_GENERATION) if not _GENERATION.complain(t))


def _agent(top: Table) -> str:
    text = top.string("agent")
    if text and (wanted := AGENT.complain(text)):
        top.fault("agent", f"agent is {text!r}.", f"It must be {wanted}, or empty.")
    return text


def _check_together(top: Table, plan: RolloutPlan) -> None:
    if plan.released_at and not forms.is_utc_time(plan.released_at):
        what = f"released_at is {plan.released_at!r}."
        top.fault("released_at", what, "It must be a UTC time such as 2026-11-21T03:39:50Z.")
    for key, listed in (("cards", plan.cards), ("canaries", plan.canaries)):
        if len(set(listed)) < len(listed):
            top.fault(key, f"{key} names a card twice.", "Name each card once.")


def _chance(card_id: str, generation: int) -> float:
    """A number from 0 to below 1 that looks random, and is a card's own in each generation."""
    digest = hashlib.sha256(f"{card_id} {generation}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
