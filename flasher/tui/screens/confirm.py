"""The last stop before a card is overwritten: what is lost, what is written, and where."""

from __future__ import annotations

from rich.table import Table
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Footer, Static

from flasher.card.inspect import card_id_on
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.image.source import ImageFile
from flasher.prepare import NodeCard, plan_node_card
from flasher.progress import readable_size
from flasher.rig.rigmap import Node, RigMap
from flasher.rig.twins import before_overwriting
from flasher.tui.attempt import attempt
from flasher.tui.messages import CardPlanned
from flasher.tui.queue import NodeState
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.drive_list import title
from flasher.tui.widgets.facts import explain, facts
from flasher.tui.workplace import Workplace

_AGAIN = {
    NodeState.READY: "This node has a card already. The new one replaces it: do not use both.",
    NodeState.FAILED: "The last card for this node failed.",
}


class ConfirmScreen(WizardDialog[NodeCard | None]):
    """Plans the card and gives it if the person says so; else None, and nothing was written.

    Args:
        workplace: for the clock.
        rig, node: whose card it is.
        drive: where it is written.
        image: the base image.
        before: how far this node was until now.
    """

    HELP = """
# Before anything is written

Look at the drive, its size and what is on it now: **all of that will be lost**. Compare it with
the card in your hand.

**Cancel** has the focus, so Enter and Escape go back. To write, move to **Erase and write** with
Tab or the right arrow key, then press Enter.
"""
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "cancel", "Cancel", key_display="Esc"),
        Binding("tab", "app.focus_next", "Other button", key_display="Tab"),
        Binding("right,left", "app.focus_next", "Other button", show=False),
    ]

    def __init__(
        self,
        workplace: Workplace,
        rig: RigMap,
        node: Node,
        drive: Drive,
        image: ImageFile,
        *,
        before: NodeState,
    ) -> None:
        super().__init__()
        self._workplace, self._rig, self._node = workplace, rig, node
        self.drive, self._image, self._before = drive, image, before
        self.card: NodeCard | None = None
        self._past: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """What, where, what is lost, and two buttons."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = f"Write the card of {self._node.name}?"
            yield Static(self._facts("…"), id="facts")
            yield Static(self._warning(), id="warning")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", action="screen.cancel")
                yield Button(
                    "Erase and write",
                    id="write",
                    variant="error",
                    action="screen.write",
                    disabled=True,
                )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin on Cancel, and plan the card."""
        self.query_one("#cancel").focus()
        self._plan()

    @work(thread=True, exit_on_error=False, group="plan")
    def _plan(self) -> None:
        self.post_message(CardPlanned(attempt(self._look)))

    def _look(self) -> NodeCard:
        now, site = self._workplace.now(), self._rig.site.name
        entries, on_drive = self._workplace.ledger.entries(), card_id_on(self.drive.path)
        self._past = before_overwriting(entries, self._node.name, site, now, on_drive)
        return plan_node_card(self._rig, self._node, self._image, now)

    @on(CardPlanned)
    def _show_plan(self, event: CardPlanned) -> None:
        if isinstance(event.outcome, FlasherError):
            self.query_one("#warning", Static).update(explain(event.outcome))
            return
        self.card = event.outcome
        amount = readable_size(self.card.plan.expected)
        self.query_one("#facts", Static).update(self._facts(amount))
        self.query_one("#warning", Static).update(self._warning())
        self.query_one("#write", Button).disabled = False

    def action_cancel(self) -> None:
        """Back, with nothing written."""
        self.dismiss(None)

    def action_write(self) -> None:
        """Go on."""
        if self.card:
            self.dismiss(self.card)

    def _facts(self, amount: str) -> Table:
        node, rig, drive = self._node, self._rig, self.drive
        rows = (
            ("Node", f"{node.name}, {rig.role_of(node).title}"),
            ("Label", node.position),
            ("Scanner", f"{rig.profile.title} at {rig.site.name}"),
            ("Image", f"{self._image.source.name}, {amount} to write, then read back"),
            ("Drive", f"{title(drive)}, {readable_size(drive.size)}"),
            ("", str(drive.path)),
            ("On it now", drive.holds),
        )
        return facts(rows)

    def _warning(self) -> Content:
        lines = ["Everything on this drive now will be lost."]
        again = [_AGAIN[self._before]] if self._before in _AGAIN else []
        lines += self._past or again
        return Content("\n".join(f"! {line}" for line in lines))
