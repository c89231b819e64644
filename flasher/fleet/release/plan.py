"""The plan of a site's rollout: made with a release, changed by people, read from a repository."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosetup.faults import Faulty
from autosetup.forms import UTC_TIME, seconds_of
from autosetup.rollout_plan import RolloutPlan, in_order, read_plan, write_plan
from flasher.errors import BadDocument, BadInput
from flasher.fleet.release import names
from flasher.fleet.release.state import State
from flasher.rig.assignments import Assignment

_MOST_WITHDRAWN = 100
# What a lot takes to fetch, apply and prove a release; nodes look late by no more than that.
_LOT_SECONDS = 600
# Nobody types `release publish` sooner after `release sign`.
_AT_ONCE_SECONDS = 60


def begin(
    before: RolloutPlan | None, site: str, generation: int, now: datetime, agent: str
) -> RolloutPlan:
    """The plan of a new generation; what was withdrawn stays so.

    Args:
        before: the plan in force; None for the first one.
        site: its name.
        generation: the new one.
        now: UTC.
        agent: target path of the one that its nodes should run; empty for none.
    """
    return RolloutPlan(
        site=site,
        generation=generation,
        released_at=_text(now),
        withdrawn=before.withdrawn[-_MOST_WITHDRAWN:] if before else (),
        agent=agent,
    )


def spacing_of(plan: RolloutPlan, count: int, every_minutes: int) -> int:
    """Seconds between one lot and the next where no server gives turns, if nobody said any.

    With canaries as long as it takes until all of these have looked, and one had time to fail; else
    as long as a lot takes. None where all are one lot.

    Args:
        plan: `canaries` and `at_once` count.
        count: of its cards.
        every_minutes: how often nodes look.
    """
    if plan.canaries:
        return every_minutes * 60 + _LOT_SECONDS
    return _LOT_SECONDS if count > plan.at_once else 0


def counting_from(plan: RolloutPlan, now: datetime) -> RolloutPlan:
    """The same, with its lots beginning one after the other from now (UTC) on."""
    return replace(plan, released_at=_text(now))


def is_late(plan: RolloutPlan, now: datetime) -> bool:
    """Whether it is too late to put it in force: lots would begin that others must go before.

    Ten minutes are given, or what lies between two lots where that is less; at least a minute. A
    plan without lots is never late.

    Args:
        plan: whose lots count from when it was signed.
        now: UTC.
    """
    if not plan.spacing_seconds or set(plan.cards) <= set(plan.canaries):
        return False
    given = max(_AT_ONCE_SECONDS, min(plan.spacing_seconds, _LOT_SECONDS))
    signed = datetime.fromtimestamp(seconds_of(plan.released_at), UTC)
    return now - signed > timedelta(seconds=given)


def laid_out(plan: RolloutPlan, numbers: Mapping[str, int]) -> RolloutPlan:
    """The same with its cards, in their order.

    Args:
        numbers: of the nodes by card id.

    Raises:
        BadDocument: no node could read it.
    """
    try:
        return read_plan(write_plan(replace(plan, cards=in_order(numbers, plan))))
    except Faulty as faulty:
        raise BadDocument("rollout plan", faulty.faults) from None


def next_generation(
    now: datetime, cards: Mapping[str, Assignment], before: RolloutPlan | None
) -> int:
    """The number of a new generation: the UTC second, but above every one that there was.

    Args:
        now: UTC.
        cards: of the site, by card id.
        before: the plan in force; None for the first release.
    """
    last = [card.generation for card in cards.values()] + ([before.generation] if before else [])
    return max(int(now.timestamp()), *(generation + 1 for generation in last))


def plan_of(state: State, site: str) -> RolloutPlan | None:
    """The plan in force at a site; None before its first release."""
    raw = state.read(names.plan_target(site))
    return None if raw is None else read_plan(raw)


def agent_of(state: State, plan: RolloutPlan | None) -> str:
    """The agent that a plan names; empty where it names none, or the repository lacks it."""
    return plan.agent if plan and plan.agent in state.targets.signed.targets else ""


def plan_before(state: State, site: str) -> RolloutPlan | None:
    """The last plan of the generation before; None where there was none, or it was pruned."""
    plan = plan_of(state, site)
    if plan:
        with suppress(Faulty):
            for raw in state.earlier(site, names.plan_target(site)):
                found = read_plan(raw)
                if found.generation != plan.generation:
                    return found
    return None


def digest_of(plan: RolloutPlan | None) -> str:
    """SHA-256 (hex) of a plan; empty for none."""
    return "" if plan is None else hashlib.sha256(write_plan(plan)).hexdigest()


def read_plan_of(state: State, site: str) -> RolloutPlan:
    """The rollout plan in force at a site.

    Raises:
        BadInput: ``no-release``.
    """
    plan = plan_of(state, site)
    if plan is None:
        what = f"Nothing was released for the site {site} yet."
        raise BadInput("no-release", what, "Begin: flasher release new")
    return plan


def paused(plan: RolloutPlan) -> RolloutPlan:
    """No node begins any more."""
    return replace(plan, paused=True)


def going(plan: RolloutPlan) -> RolloutPlan:
    """Nodes may go on. What was withdrawn stays withdrawn."""
    return replace(plan, paused=False)


def withdrawn(plan: RolloutPlan) -> RolloutPlan:
    """Nodes that have the generation go back to the one before, and none goes to it."""
    if plan.generation in plan.withdrawn:
        return plan
    return replace(plan, withdrawn=(*plan.withdrawn, plan.generation))


def _text(now: datetime) -> str:
    return now.strftime(UTC_TIME)
