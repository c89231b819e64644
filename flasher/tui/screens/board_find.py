"""Go to a node of the board by its name or its label."""

from __future__ import annotations

from difflib import get_close_matches

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Label

from flasher.fleet.board.view import BoardView, NodeView
from flasher.tui.screens.base import WizardDialog
from flasher.tui.words import _


class FindOnBoardScreen(WizardDialog[NodeView | None]):
    """Gives the node, or None.

    Args:
        view: where to look.
        title: what is asked for.
    """

    HELP = _("""
# Find a node

Type the name of a node, such as `cam-0101`, or what stands on its label, such as `SEG1-CAM1`, and
press **Enter**.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("f1", "help", _("Help")),
        Binding("escape", "dismiss(None)", _("Back"), key_display="Esc"),
    ]

    def __init__(self, view: BoardView, title: str = "") -> None:
        super().__init__()
        self._view, self._title = view, title or _("Which node?")

    def compose(self) -> ComposeResult:
        """One field."""
        with Vertical(classes="window") as window:
            window.border_title = Content(self._title)
            yield Input(placeholder=_("its name, or what stands on its label"))
            yield Label("", id="answer", markup=False)
        yield Footer(show_command_palette=False)

    @on(Input.Submitted)
    def _find(self, event: Input.Submitted) -> None:
        if node := self._view.node(event.value):
            self.dismiss(node)
            return
        known = [word for node in self._view.nodes for word in (node.name, node.position)]
        near = get_close_matches(event.value.strip(), known, 1, cutoff=0.0)
        words = _("There is no such node. Did you mean {name}?")
        self.query_one("#answer", Label).update(
            Content(words.format(name=near[0] if near else "–"))
        )
