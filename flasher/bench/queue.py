"""The queue of the bench: how far each node is, and whose card comes next in which lane. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from flasher.bench.model import (
    Autopsy,
    BenchState,
    Failed,
    Lane,
    NodeState,
    Ready,
    Refused,
    Working,
)
from flasher.rig.entry import Entry, Result, not_replaced
from flasher.rig.rigmap import Node, RigMap

# Work that was stopped changes nothing.
_BY_RESULT: Mapping[Result, NodeState] = {
    "verified": NodeState.READY,
    "rehearsed": NodeState.REHEARSED,
    "alive": NodeState.ALIVE,
    "failed": NodeState.FAILED,
}
_OPEN = (NodeState.TODO, NodeState.FAILED)


def state_from(entries: Iterable[Entry], rig: RigMap) -> dict[str, NodeState]:
    """How far every node of a rig is, by the ledger's lines, oldest first."""
    states = {node.name: NodeState.TODO for node in rig.nodes}
    ours = (rig.profile.name, rig.site.name)
    for entry in not_replaced(entries):
        if (entry.profile, entry.site) == ours and entry.node in states:
            states[entry.node] = _BY_RESULT.get(entry.result, states[entry.node])
    return states


def in_order(state: BenchState) -> Iterator[Node]:
    """The nodes whose cards are to be made and that no lane has, the next one first.

    Those that a person chose; then those without a card, in the rig's order; then those whose card
    failed; and those that were skipped, as they were skipped.
    """
    taken = {lane.node.name for lane in state.lanes if lane.node and _has_its_node(lane)}
    taken |= {name for name, each in state.states.items() if each is NodeState.WRITING}
    by_name = {node.name: node for node in state.nodes if node.name not in taken}
    late = [name for name in (*state.chosen, *state.skipped) if name in by_name]
    yield from (by_name[name] for name in state.chosen if name in by_name)
    for wanted in _OPEN:
        for name, node in by_name.items():
            if state.states[name] is wanted and name not in late:
                yield node
    for name in state.skipped:
        if name in by_name and name not in state.chosen and state.states[name] in _OPEN:
            yield by_name[name]


def assign(state: BenchState) -> BenchState:
    """Give each lane that waits the node that it would get.

    No node is in two lanes. A card that was half made becomes whose it was to be. A lane keeps its
    node as long as that is among the next ones, so that nothing jumps when another lane starts;
    where few are left, cards come before empty readers.
    """
    resumed = _resumed(state)
    waiting = sorted(
        (lane for lane in state.lanes if _waits(lane) and lane.reader not in resumed), key=_rank
    )
    free = (node for node in in_order(state) if node not in resumed.values())
    following = [node for node, _ in zip(free, waiting, strict=False)]
    served = waiting[: len(following)]
    kept = {
        lane.reader: lane.node for lane in served if lane.node in following and _rank(lane) < _FRESH
    }
    left = (node for node in following if node not in kept.values())
    given = resumed | {lane.reader: kept.get(lane.reader) or next(left) for lane in served}
    lanes = tuple(
        lane
        if _has_its_node(lane) or lane.node == given.get(lane.reader)
        else replace(lane, node=given.get(lane.reader))
        for lane in state.lanes
    )
    changed = any(new is not old for new, old in zip(lanes, state.lanes, strict=True))
    return replace(state, lanes=lanes) if changed else state


def _resumed(state: BenchState) -> dict[str, Node]:
    """By reader: the node whose half-made card is in it, unless a person put that node off."""
    by_name = {node.name: node for node in in_order(state) if node.name not in state.skipped}
    return {
        lane.reader: node
        for lane in state.lanes
        if _waits(lane) and (node := by_name.pop(lane.memory.becomes, None))
    }


def choose(state: BenchState, name: str) -> BenchState:
    """A node before all others that were not chosen, whatever its state."""
    if name not in state.states or name in state.chosen:
        return state
    return replace(_without(state, name), chosen=(*state.chosen, name))


def skip(state: BenchState, name: str) -> BenchState:
    """A node after all others."""
    if name not in state.states:
        return state
    state = _without(state, name)
    return replace(state, skipped=(*state.skipped, name))


def begun(state: BenchState, name: str) -> BenchState:
    """A node whose card is being made: chosen and skipped no more."""
    return _without(state, name).with_state(name, NodeState.WRITING)


def _without(state: BenchState, name: str) -> BenchState:
    return replace(
        state,
        chosen=tuple(each for each in state.chosen if each != name),
        skipped=tuple(each for each in state.skipped if each != name),
    )


def _has_its_node(lane: Lane) -> bool:
    """Whether the lane's node is that of its card: made, failed, or back from the rig."""
    name = lane.node.name if lane.node else ""
    match lane.phase:
        case Autopsy(report):
            return bool(name) and name == report.node
        case Failed() if lane.memory.job != "make":
            return bool(name) and lane.drive is not None and name == lane.drive.node
    return isinstance(lane.phase, Working | Ready | Failed)


def _waits(lane: Lane) -> bool:
    return not isinstance(lane.phase, Refused) and not _has_its_node(lane)


_FRESH = 2


def _rank(lane: Lane) -> int:
    """Readers with a card first, then those that had one, then those that may never be used."""
    if lane.drive is not None:
        return 0
    return 1 if lane.memory.is_used else _FRESH
