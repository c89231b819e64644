"""Jump to a node by its name or its label."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Footer, Input, Label

from flasher.errors import BadInput
from flasher.rig.rigmap import Node, RigMap
from flasher.tui.screens.base import WizardDialog
from flasher.tui.words import _


class FindNodeScreen(WizardDialog[Node | None]):
    """Gives the node, or None.

    Args:
        rig: where to look.
    """

    HELP = _("""
# Find a node

Type the name of a node, such as `cam-0101`, or what stands on its label, such as `SEG1-CAM1`, and
press **Enter**. Its card is made next, even if it has one already.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("f1", "help", _("Help")),
        Binding("escape", "dismiss(None)", _("Back"), key_display="Esc"),
    ]

    def __init__(self, rig: RigMap) -> None:
        super().__init__()
        self._rig = rig

    def compose(self) -> ComposeResult:
        """One field."""
        with Vertical(classes="window") as window:
            window.border_title = _("Whose card is next?")
            last = self._rig.nodes[-1]
            words = _("{name} or {label}").format(name=last.name, label=last.position)
            yield Input(placeholder=words)
            yield Label("", id="answer", markup=False)
        yield Footer(show_command_palette=False)

    @on(Input.Submitted)
    def _find(self, event: Input.Submitted) -> None:
        try:
            self.dismiss(self._rig.find(event.value))
        except BadInput as error:
            self.query_one("#answer", Label).update(f"{error.message} {error.hint}")
