"""A rig in numbers: how many nodes of each role are how far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from flasher.bench.node_state import NodeState
from flasher.rig.rigmap import RigMap
from flasher.tui.node_signs import LOOKS
from flasher.tui.words import _


def tally(rig: RigMap, states: Mapping[str, NodeState]) -> Table:
    """A line a role: its name, and how many of its nodes are in each state that there is."""
    there = [state for state in NodeState if state in states.values()]
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_row(Text(_("Role"), "dim"), *(Text(_heading(state), "dim") for state in there))
    for title, counts in _roles(rig, states):
        table.add_row(Text(title), *(Text(str(counts[state] or "·")) for state in there))
    return table


def _roles(
    rig: RigMap, states: Mapping[str, NodeState]
) -> Iterator[tuple[str, Counter[NodeState]]]:
    for role in rig.profile.roles:
        nodes = [node for node in rig.nodes if node.role == role.name]
        yield role.title, Counter(states[node.name] for node in nodes)


def _heading(state: NodeState) -> str:
    look = LOOKS[state]
    return f"{look.sign} {look.word}"
