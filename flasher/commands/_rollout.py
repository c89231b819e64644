"""The actions of `rollout`; loaded only when one is called, for the libraries take long."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from autosetup.rollout_plan import RolloutPlan
from flasher.commands._heard import board_of, how_heard, is_heard_now
from flasher.commands._release_keys import signer_of, targets_key
from flasher.commands._sites import load
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.fleet.board.view import BoardView, NodeView
from flasher.fleet.release import steps
from flasher.fleet.release.place import find_place
from flasher.fleet.release.plan import going, paused, read_plan_of, withdrawn
from flasher.fleet.release.state import State
from flasher.rig.assignments import Assignment, assignments
from flasher.rig.ledger import Ledger
from flasher.rig.site import open_site


def _goes_on(plan: RolloutPlan) -> RolloutPlan:
    if plan.takes_back(plan.generation):
        what = f"Generation {plan.generation} was taken back, and never comes again."
        raise BadInput("taken-back", what, "Make a newer one: flasher release new")
    return going(plan)


_CHANGES: Mapping[str, Callable[[RolloutPlan], RolloutPlan]] = {
    "pause": paused,
    "go": _goes_on,
    "back": withdrawn,
}
_DONE = {
    "pause": "No further node begins with generation {}. Those at work end it.",
    "go": "Nodes go on to generation {}.",
    "back": "Nodes go back from generation {}, each once it hears of it.",
}


def status(args: argparse.Namespace, console: Console) -> int:
    """Which nodes have what was released."""
    state = find_place(args.repository).read()
    plan = read_plan_of(state, _site(args, state))
    cards, board = assignments(Ledger().entries(), plan.site), board_of(plan.site)
    nodes = _in_order(_Node(plan, cards.get(card), card, board) for card in plan.cards)
    done = sum(node.is_there for node in nodes)
    others = len(cards.keys() - set(plan.cards))
    console.say(f"Generation {plan.generation} at {plan.site}, released {plan.released_at}.")
    console.say(f"{_how(plan)} {done} of {len(nodes)} nodes have it.")
    rows = [node.row for node in nodes if not node.is_there]
    if rows:
        console.table(("NODE", "FIRST", "LAST WORD", "GENERATION", "HEARD"), rows)
    if others:
        console.say(f"Cards of {plan.site} that it is not for: {others}.")
    now = is_heard_now(plan.site)
    if words := how_heard(board, now=now):
        console.say(words)
    console.result("rollout", {**_as_json(plan, nodes), "serving": now})
    return ExitCode.DONE


def change(args: argparse.Namespace, console: Console) -> int:
    """Publish another plan; none where nothing would change for nodes that go on already."""
    place = find_place(args.repository)
    now_there = place.read()
    name = _site(args, now_there)
    before = read_plan_of(now_there, name)
    if args.action == "go" and _is_going(before):
        console.say(f"It was not paused: nodes go on to generation {before.generation} as before.")
        console.result("rollout", _plan_json(before))
        return ExitCode.DONE
    # A site that was named by its path is not on the shelf.
    site, secrets = load(args.site or name, args, console)
    signer = signer_of(site, secrets)
    if args.action == "back":
        question = f"All nodes of {site.name} that have the release go back to the one before."
        console.confirm(question, yes=args.yes)
    with place.alone():
        state, now = place.read(), datetime.now(UTC)
        key = targets_key(place, state, args, console)
        plan = steps.change_plan(place, state, signer, _CHANGES[args.action], key, now)
    console.say(_DONE[args.action].format(plan.generation))
    console.result("rollout", {**_plan_json(plan)})
    return ExitCode.DONE


def _is_going(plan: RolloutPlan) -> bool:
    return not (plan.paused or plan.takes_back(plan.generation))


class _Node:
    """A card of the plan, and what the board heard of it last."""

    def __init__(
        self, plan: RolloutPlan, card: Assignment | None, card_id: str, board: BoardView | None
    ) -> None:
        self.name = card.node if card else card_id
        self.role = card.role if card else ""
        self.goes_first = plan.is_canary(card_id)
        self.seen: NodeView | None = board.node(card_id) if board else None
        has_it = self.seen is not None and self.seen.generation == plan.generation
        self.is_there = bool(has_it and self.seen and self.seen.state == "done")

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """For people."""
        first, seen = "first" if self.goes_first else "", self.seen
        if seen is None:
            return self.name, first, "not heard of", "", ""
        word = f"{seen.state} {seen.last_state}".strip()
        why = seen.reason or seen.update
        word = f"{word}: {why}" if why else word
        return self.name, first, word, str(seen.generation or ""), seen.heard_at

    def to_json(self) -> dict[str, object]:
        """For scripts."""
        seen = self.seen
        return {
            "node": self.name,
            "canary": self.goes_first,
            "done": self.is_there,
            "state": seen.state if seen else "",
            "reason": seen.reason if seen else "",
            "generation": seen.generation if seen else 0,
            "heard_at": seen.heard_at if seen else "",
        }


def _site(args: argparse.Namespace, state: State) -> str:
    """The site that was named, or the only one."""
    if args.site:
        return open_site(args.site).name
    if not state.sites:
        what = "Nothing was released yet."
        raise BadInput("no-release", what, "Make a release: flasher release new")
    if len(state.sites) != 1:
        found = ", ".join(state.sites)
        raise BadInput("which-site", f"The repository has releases of: {found}.", "Say --site.")
    return state.sites[0]


def _in_order(nodes: Iterable[_Node]) -> list[_Node]:
    """As people look for them: those that go first, the only one of its role, then by number."""
    found = list(nodes)
    of_role = Counter(node.role for node in found)

    def key(node: _Node) -> tuple[bool, bool, list[str | int]]:
        parts = re.split(r"([0-9]+)", node.name)
        by_number = [int(part) if part.isdigit() else part for part in parts]
        return not node.goes_first, of_role[node.role] > 1, by_number

    return sorted(found, key=key)


def _how(plan: RolloutPlan) -> str:
    if plan.takes_back(plan.generation):
        return "It was withdrawn."
    return "It is paused." if plan.paused else "It goes on."


def _plan_json(plan: RolloutPlan) -> dict[str, object]:
    return {
        "site": plan.site,
        "generation": plan.generation,
        "paused": plan.paused,
        "withdrawn": plan.takes_back(plan.generation),
    }


def _as_json(plan: RolloutPlan, nodes: list[_Node]) -> dict[str, object]:
    return {**_plan_json(plan), "nodes": [node.to_json() for node in nodes]}
