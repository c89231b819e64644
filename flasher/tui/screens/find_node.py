"""Find a node by a part of its name or of its label; what fits is seen while one types."""

from __future__ import annotations

from collections.abc import Iterable

from flasher.fleet.board.view import NodeView
from flasher.rig.rigmap import Node
from flasher.tui.screens.pick import PickScreen
from flasher.tui.words import _


class FindNodeScreen(PickScreen):
    """Gives the name of the node, or None.

    Args:
        title: what is asked for.
        nodes: where to look.
    """

    HELP = _("""
# Find a node

Type a part of a node's name, such as `cam-0101`, or of what stands on its label, such as
`SEG1-CAM1`: the list shows what fits. The **arrows** move in it, **Enter** chooses.
""")

    def __init__(self, title: str, nodes: Iterable[Node | NodeView]) -> None:
        super().__init__(title, ((node.name, node.position) for node in nodes))
