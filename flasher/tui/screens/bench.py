"""Third screen, where the work is done: the rig, the readers, and whose card comes next."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer, OptionList, Static

from flasher.drives.model import Drive
from flasher.errors import Cancelled, FlasherError
from flasher.image.source import ImageFile
from flasher.prepare import CardResult
from flasher.rig.entry import Entry, not_replaced
from flasher.rig.rigmap import Node, RigMap
from flasher.tui.attempt import attempt
from flasher.tui.messages import DrivesListed
from flasher.tui.queue import NodeState, Queue
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.confirm import ConfirmScreen
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.screens.writing import WritingScreen
from flasher.tui.widgets.drive_list import DriveList
from flasher.tui.widgets.image_line import ImageLine, describe
from flasher.tui.widgets.node_grid import place_of
from flasher.tui.widgets.node_picker import NodePicker
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.workplace import Workplace

_LOOK_EVERY_SECONDS = 2.0
_STYLES = {
    NodeState.TODO: "$foreground",
    NodeState.WRITING: "$warning",
    NodeState.READY: "$success",
    NodeState.FAILED: "$error",
}
_NO_DRIVES = "No card that may be written.\nPut one into a reader: it appears here by itself."


class BenchScreen(WizardScreen[None]):
    """One card after the other, until every node is ready.

    Args:
        workplace: readers, ledger, clock.
        rig: the rig map whose cards are made.
    """

    HELP = """
# The bench

On the left is your rig: **○** still needs a card, **◆** comes next, **▶** is being written,
**✓** is ready, **✗** failed. On the right are the card readers.

1. Put a card into a reader. It appears on the right by itself.
2. Choose it with the arrow keys and press **Enter**. You are asked before anything is written.
3. When the card is ready, take it out, put the label on it, and put in the next.

**Space** skips the next node, **F** finds one by its name. **Tab** goes to the drawing of the
rig, where the arrow keys and **Enter** choose any node.

A drive marked **✗** is never written: its reason stands below it.
"""
    BINDINGS = [  # noqa: RUF012
        Binding("space", "skip", "Skip node", tooltip="Make another node's card first"),
        Binding("f", "find", "Find node", tooltip="Choose a node by its name"),
        Binding("r", "look", "Look again", show=False, tooltip="Look at the readers again"),
        Binding("escape", "app.pop_screen", "Back", key_display="Esc"),
    ]

    def __init__(self, workplace: Workplace, rig: RigMap) -> None:
        super().__init__()
        self._workplace, self._rig = workplace, rig
        self._by_place = {place_of(node): node for node in rig.nodes}
        self.queue = Queue.of(rig.nodes, self._entries())

    def compose(self) -> ComposeResult:
        """The rig left, the readers right, the next card below."""
        yield TitleBar("Bench", practice=self._workplace.practice)
        with Horizontal(classes="columns"):
            with Vertical(id="rig"):
                yield NodePicker(self._rig.profile.roles, id="grid")
                yield Static(id="counts")
            with Vertical(id="readers"):
                yield DriveList()
                yield Static("Looking at the readers…", id="no-drives", markup=False)
        yield Static(id="next")
        yield ImageLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the queue, and keep an eye on the readers."""
        self.query_one("#rig").border_title = f"{self._rig.profile.title} · {self._rig.site.name}"
        self.query_one("#readers").border_title = "Readers"
        self.query_one("#next").border_title = "Next card"
        self.query_one(DriveList).focus()
        self._show_queue()
        self.action_look()
        self.set_interval(_LOOK_EVERY_SECONDS, self.look_if_on_top)

    @work(thread=True, exclusive=True, exit_on_error=False, group="drives")
    def action_look(self) -> None:
        """Look at the readers."""
        self.post_message(DrivesListed(attempt(self._workplace.catalog.drives)))

    def look_if_on_top(self) -> None:
        """Look at the readers, unless a card is being written or something is asked."""
        if self.is_active:
            self.action_look()

    @on(DrivesListed)
    def _show_drives(self, event: DrivesListed) -> None:
        if not self.is_active:
            return  # what was seen while a card was being written is no longer true
        drives, words = _drives_or_words(event.outcome)
        self.query_one(DriveList).show(drives)
        self.query_one("#no-drives", Static).update(words)
        self.query_one("#readers").set_class(any(not d.obstacle for d in drives), "-usable")

    def action_skip(self) -> None:
        """Another node's card first."""
        self._turn_to(self.queue.skip())

    def action_find(self) -> None:
        """Choose a node by its name."""
        self.app.push_screen(FindNodeScreen(self._rig), self._found)

    def _found(self, node: Node | None) -> None:
        if node:
            self._turn_to(self.queue.choose(node))

    @on(NodePicker.Chosen)
    def _choose_node(self, event: NodePicker.Chosen) -> None:
        self._turn_to(self.queue.choose(self._by_place[event.place]))
        self.query_one(DriveList).focus()

    @on(NodePicker.Moved)
    def _show_node(self, event: NodePicker.Moved) -> None:
        words = self._describe(self._by_place[event.place]) if event.place else _counts(self.queue)
        self.query_one("#counts", Static).update(words)

    def _describe(self, node: Node) -> Content:
        state = self.queue.states[node.name]
        return Content.from_markup(
            "$sign [b]$name[/b] $position, $word",
            sign=state.sign,
            name=node.name,
            position=node.position,
            word=state.word,
        )

    @on(OptionList.OptionSelected, "#drives")
    def _write(self) -> None:
        drive, status = self.query_one(DriveList).current, self.query_one(ImageLine).status
        if self.queue.next is None:
            self.notify("Every node has its card. Find one to make its card again.")
        elif drive is None or drive.obstacle:
            words = (drive.obstacle or "") if drive else ""
            never = drive is None or drive.refusal
            title = "Never written" if never else "Not written from here"
            self.notify(words, title=title, markup=False)
        elif not isinstance(status, ImageFile):
            self.notify(describe(status).plain, severity="warning", markup=False)
        else:
            self._make_card(self.queue.next, drive, status)

    @work(exclusive=True, exit_on_error=False, group="card")
    async def _make_card(self, node: Node, drive: Drive, image: ImageFile) -> None:
        before = self.queue.states[node.name]
        card = await self.app.push_screen_wait(
            ConfirmScreen(self._workplace, self._rig, node, drive, image, before=before)
        )
        if card is None:
            return
        self._turn_to(self.queue.set(node, NodeState.WRITING))
        outcome = await self.app.push_screen_wait(
            WritingScreen(card, drive, self._workplace.ledger, self._workplace.ticks)
        )
        self._turn_to(self.queue.set(node, _state_after(outcome)))
        self.action_look()

    def _turn_to(self, queue: Queue) -> None:
        self.queue = queue
        self._show_queue()

    def _show_queue(self) -> None:
        queue = self.queue
        states = {place: queue.states[node.name] for place, node in self._by_place.items()}
        following = place_of(queue.next) if queue.next else None
        self.query_one("#grid", NodePicker).show_states(states, following)
        self.query_one("#counts", Static).update(_counts(queue))
        self.query_one("#next", Static).update(self._next_words())

    def _next_words(self) -> Content:
        node = self.queue.next
        if node is None:
            return Content.from_markup("[b $success]✓ Every node has its card.[/]")
        state = self.queue.states[node.name]
        made = state in (NodeState.READY, NodeState.FAILED)
        remark = f" ({state.word} before)" if made else ""
        return Content.from_markup(
            "[b $accent]◆ $name[/]  label [b]$position[/b]  [dim]$role[/]$remark\n"
            "Put its card into a reader, choose the reader, press [b]Enter[/b].",
            name=node.name,
            position=node.position,
            role=self._rig.role_of(node).title,
            remark=remark,
        )

    def _entries(self) -> list[Entry]:
        rig = (self._rig.profile.name, self._rig.site.name)
        lines = not_replaced(self._workplace.ledger.entries())
        return [entry for entry in lines if (entry.profile, entry.site) == rig]


def _state_after(outcome: CardResult | FlasherError) -> NodeState:
    if isinstance(outcome, CardResult):
        return NodeState.READY
    return NodeState.TODO if isinstance(outcome, Cancelled) else NodeState.FAILED


def _drives_or_words(
    outcome: tuple[Drive, ...] | FlasherError,
) -> tuple[tuple[Drive, ...], str]:
    if isinstance(outcome, FlasherError):
        return (), f"{outcome.message}\n{outcome.hint}"
    return outcome, _NO_DRIVES


def _counts(queue: Queue) -> Content:
    words = [
        Content.from_markup(
            f"[{_STYLES[state]}]$sign $count $word[/]",
            sign=state.sign,
            count=queue.count(state),
            word=state.word,
        )
        for state in NodeState
        if state in (NodeState.TODO, NodeState.READY) or queue.count(state)
    ]
    return Content("  ").join(words)
