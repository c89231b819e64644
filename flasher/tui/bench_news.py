"""What a bench's state comes to on the screen: whose card is next, what has just ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from flasher.bench.model import (
    Autopsy,
    BenchState,
    Counting,
    Failed,
    Lane,
    Offered,
    Ready,
)
from flasher.bench.queue import in_order
from flasher.rig.rigmap import Node

_ENDS = (Ready, Failed, Autopsy)


def following(state: BenchState) -> tuple[Node, ...]:
    """The nodes whose cards the lanes make next; without a card in any lane, the first in line."""
    offered = tuple(
        lane.node
        for lane in state.lanes
        if lane.node and isinstance(lane.phase, Offered | Counting)
    )
    return offered or _first_in_line(state)


def just_ended(before: BenchState, after: BenchState) -> Iterator[Lane]:
    """The lanes that a person must look at now, and had not to before."""
    phases = {lane.reader: lane.phase for lane in before.lanes}
    for lane in after.lanes:
        if isinstance(lane.phase, _ENDS) and lane.phase is not phases.get(lane.reader):
            yield lane


def outline(state: BenchState) -> tuple[object, ...]:
    """All of a state but how far the work in its lanes is."""
    lanes = tuple((type(lane.phase), lane.node, lane.drive) for lane in state.lanes)
    return lanes, state.states, state.auto, state.paused, state.trouble


def _first_in_line(state: BenchState) -> tuple[Node, ...]:
    return tuple(islice(in_order(state), 1))
