"""The queue of the bench: how far each node is, and whose card comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from flasher.rig.ledger import Entry
from flasher.rig.rigmap import Node


class NodeState(Enum):
    """How far a node's card is: a sign and a word, so that colour is never needed."""

    TODO = ("○", "to do")
    WRITING = ("▶", "writing")
    READY = ("✓", "ready")
    FAILED = ("✗", "failed")

    def __init__(self, sign: str, word: str) -> None:
        self.sign, self.word = sign, word


_BY_RESULT = {
    "verified": NodeState.READY,
    "failed": NodeState.FAILED,
    "cancelled": NodeState.TODO,
}


@dataclass(frozen=True, slots=True)
class Queue:
    """All nodes of a rig in the order in which cards are made.

    Attributes:
        states: by node name, for every node.
        next: whose card comes next; None when every node is ready.
    """

    nodes: tuple[Node, ...]
    states: Mapping[str, NodeState]
    next: Node | None

    @classmethod
    def of(cls, nodes: tuple[Node, ...], entries: Iterable[Entry] = ()) -> Queue:
        """The queue as the ledger's lines (oldest first) of this rig leave it."""
        states = {node.name: NodeState.TODO for node in nodes}
        for entry in entries:
            if entry.node in states:
                states[entry.node] = _BY_RESULT[entry.result]
        queue = cls(nodes, states, None)
        return replace(queue, next=queue._open_from(0))

    def choose(self, node: Node) -> Queue:
        """The same with this node as the next, whatever its state."""
        return replace(self, next=node)

    def skip(self) -> Queue:
        """The same with the node after the next one that still needs a card."""
        return replace(self, next=self._open_from(self._place() + 1))

    def set(self, node: Node, state: NodeState) -> Queue:
        """The same with a node in another state; a finished one hands over to the following."""
        changed = replace(self, states={**self.states, node.name: state})
        if state is NodeState.READY and node == self.next:
            return changed.skip()
        return changed

    def count(self, state: NodeState) -> int:
        """How many nodes are in this state."""
        return Counter(self.states.values())[state]

    def _place(self) -> int:
        return self.nodes.index(self.next) if self.next else -1

    def _open_from(self, place: int) -> Node | None:
        """The first node from `place` on, and around, without a card; else one that failed."""
        order = (*self.nodes[place:], *self.nodes[:place])
        for wanted in (NodeState.TODO, NodeState.FAILED):
            for node in order:
                if self.states[node.name] is wanted:
                    return node
        return None
