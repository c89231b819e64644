"""What people and scripts are told of releases."""

from __future__ import annotations

from datetime import UTC, datetime

from autosetup.rollout_plan import RolloutPlan
from flasher.console import Console
from flasher.fleet.release import keys, times
from flasher.fleet.release.draft import Draft
from flasher.fleet.release.place import Place
from flasher.fleet.release.state import State


def tell_draft(draft: Draft, console: Console) -> None:
    """What a release changes, and for whom it is not."""
    console.say(f"Generation {draft.generation} for {cards(draft)} of {draft.site_name}:")
    for line in draft.changes:
        console.say(f"  {line}")
    for target in draft.agents:
        agent = target.rpartition("/")[2]
        console.say(f"  the agent of {draft.site_name} from then on: {agent}")
    for line in draft.left_out:
        console.warn(f"  left out: {line}")


def cards(draft: Draft) -> str:
    """How many cards a release is for."""
    return "1 card" if len(draft.cards) == 1 else f"{len(draft.cards)} cards"


def tell_ends(state: State, console: Console) -> None:
    """When somebody must come back to it."""
    ends = state.timestamp.signed.expires
    console.say(f"Until {ends:%Y-%m-%d} nodes believe it; before that: flasher release renew")
    for role, at in times.due(state.expiry(), datetime.now(UTC)).items():
        console.warn(f"{role} ends on {at:%Y-%m-%d}. {_remedy(role)}")


def _remedy(role: str) -> str:
    if role in keys.ONLINE:
        return "Renew it: flasher release renew"
    if role == "root":
        return "Sign the next one: flasher release root"
    if role == "targets":
        return "Renew it: flasher release renew --targets"
    return f"Renew it: flasher release renew --site {role.partition('.')[0]}"


def how(plan: RolloutPlan) -> str:
    """Whether nodes may go to it."""
    if plan.takes_back(plan.generation):
        return "withdrawn"
    return "paused" if plan.paused else "goes on"


def where(place: Place) -> dict[str, object]:
    """The repository, for scripts."""
    root_file = str(place.root_file)
    return {"repository": place.name, "folder": str(place.folder), "root_file": root_file}


def as_json(draft: Draft) -> dict[str, object]:
    """A release, for scripts."""
    return {
        "site": draft.site_name,
        "generation": draft.generation,
        "nodes": [card.node for card in draft.cards],
        "changes": draft.changes,
        "agents": [target.rpartition("/")[2] for target in draft.agents],
        "left_out": draft.left_out,
    }
