"""Which card a rehearsal boots: one in a reader, or one that is only planned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flasher.events import CancelFlag
from flasher.image.source import ImageFile
from flasher.prepare import plan_node_card
from flasher.rehearsal.run import PlannedCard
from flasher.rig.rigmap import Node, RigMap

# Takes time, and is called in a thread; it raises `FlasherError`.
Choice = Callable[[CancelFlag], Path | PlannedCard]


def card_in(drive: Path) -> Choice:
    """The card in a reader; a copy of it is booted."""
    return lambda _cancel: drive


def card_of(rig: RigMap, node: Node, image: ImageFile) -> Choice:
    """The card that a node would get now; no reader is needed."""

    def plan(cancel: CancelFlag) -> PlannedCard:
        image.prove(cancel)
        return PlannedCard(node.name, plan_node_card(rig, node, image).plan)

    return plan
