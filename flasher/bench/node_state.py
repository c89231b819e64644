"""How far a node's card is; apart from the rest of the bench, for it is all that drawings need."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class NodeState(Enum):
    """How far a node's card is."""

    TODO = "todo"
    WRITING = "writing"
    READY = "ready"
    REHEARSED = "rehearsed"
    ALIVE = "alive"
    FAILED = "failed"

    @property
    def is_made(self) -> bool:
        """Whether the node has a good card."""
        return self in (NodeState.READY, NodeState.REHEARSED, NodeState.ALIVE)


def made(states: Mapping[str, NodeState]) -> int:
    """How many nodes, by name, have a good card."""
    return sum(state.is_made for state in states.values())
