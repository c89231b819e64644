"""All that is known of one node, in a window over the board."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer

from flasher.fleet.board.view import BoardView, NodeView
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.board_side import NodeFacts
from flasher.tui.words import _

_FOLLOWS_A_SECOND = 4


class NodeScreen(WizardDialog[None]):
    """Stays true while it is open.

    Args:
        node: gives the node as it is now; None where it is gone.
        view: gives its board.
        blink: has it blink.
    """

    HELP = _("""
# One node

What the node said last, and what is known of it. **B** has it blink, **A** copies its address.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("b", "blink", _("Blink")),
        Binding("a", "address", _("Copy the address")),
        Binding("escape,enter,q", "dismiss", _("Back"), key_display="Esc"),
    ]

    def __init__(
        self,
        node: Callable[[], NodeView | None],
        view: Callable[[], BoardView | None],
        blink: Callable[[NodeView], None],
    ) -> None:
        super().__init__()
        self._node, self._view, self._blink = node, view, blink

    def compose(self) -> ComposeResult:
        """The facts in a window."""
        with VerticalScroll(classes="window") as window:
            if node := self._node():
                window.border_title = Content(f"{node.name} · {node.position}")
            yield NodeFacts()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show it now, and as it changes."""
        self._show()
        self.set_interval(1 / _FOLLOWS_A_SECOND, self._show)

    def _show(self) -> None:
        view = self._view()
        self.query_one(NodeFacts).show(self._node(), view.at if view else "")

    def action_blink(self) -> None:
        """Have it blink."""
        if node := self._node():
            self._blink(node)

    def action_address(self) -> None:
        """Give its address to the terminal's clipboard."""
        if (node := self._node()) and node.address:
            self.app.copy_to_clipboard(node.address)
            self.notify(_("{address} is in the clipboard.").format(address=node.address))
