"""The bench as it is seen: the rig with its counts, and the lanes."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from flasher.bench.model import BenchState, Counting, Lane, NodeState, Ready, Working
from flasher.rig.rigmap import Node, RigMap
from flasher.tui.bench_news import following
from flasher.tui.lane_words import Around
from flasher.tui.widgets.facts import explain
from flasher.tui.widgets.lane_list import LaneList
from flasher.tui.widgets.node_grid import place_of
from flasher.tui.widgets.node_picker import NodePicker
from flasher.tui.widgets.rig_summary import RigSummary, seconds_for_rest
from flasher.tui.words import _

_FRAME = 4
_RIG_AT_LEAST = 40


class BenchView(Horizontal):
    """Draws a state; what did not change since the last one is not drawn again.

    Args:
        rig: the rig map.
        state: what is shown first.
    """

    def __init__(self, rig: RigMap, state: BenchState) -> None:
        super().__init__(classes="columns")
        self._rig, self._state = rig, state
        self._by_place = {place_of(node): node for node in rig.nodes}
        self._under: Node | None = None
        self._seconds: list[float] = []
        self._around = Around()
        self._silent = False

    def compose(self) -> ComposeResult:
        """Two columns."""
        with Vertical(id="rig") as frame:
            frame.border_title = Content(f"{self._rig.profile.title} · {self._rig.site.name}")
            frame.border_subtitle = Content(_("◆ next"))
            yield NodePicker(self._rig.profile.roles, id="grid")
            yield RigSummary()
        with Vertical(id="lanes"):
            yield Static(id="ways", markup=False)
            yield Static(id="no-lanes", markup=False)
            yield LaneList()

    def on_mount(self) -> None:
        """Show the first state."""
        self._draw()

    def on_resize(self) -> None:
        """The drawing takes what it needs, up to a half."""
        widest = self.query_one(NodePicker).widest + _FRAME
        most = max(self.size.width // 2, 1)
        self.query_one("#rig").styles.width = min(max(widest, _RIG_AT_LEAST), most)
        self.call_after_refresh(self._show_summary)

    @property
    def lane(self) -> Lane | None:
        """The lane that keys are for."""
        box = self.query_one(LaneList).box
        return box.lane if box else None

    def node_at(self, event: NodePicker.Chosen) -> Node:
        """The node that was chosen in the drawing."""
        return self._by_place[event.place]

    def show(self, state: BenchState, around: Around, *, silent: bool) -> None:
        """Show the bench as it is now."""
        self._state, self._around, self._silent = state, around, silent
        if self.is_mounted:
            self._draw()

    def count(self, around: Around) -> None:
        """Show what a count-down says now."""
        if self.is_mounted and any(isinstance(lane.phase, Counting) for lane in self._state.lanes):
            self.query_one(LaneList).show(self._state.lanes, around)

    def note_made(self, seconds: float) -> None:
        """A card took so long; what is left is reckoned from that."""
        self._seconds.append(seconds)

    def focus_lane(self, number: int | None = None) -> None:
        """Go to a lane; to the one that had the focus last without a number."""
        lanes = self.query_one(LaneList)
        if number is None:
            lanes.focus_lane()
        else:
            lanes.focus_number(number)

    def focus_rig(self) -> None:
        """Go to the drawing."""
        self.screen.set_focus(self.query_one(NodePicker))

    def switch(self) -> None:
        """From the lanes to the drawing, and back."""
        if self.query_one(NodePicker).has_focus and self._state.lanes:
            self.focus_lane()
        else:
            self.focus_rig()

    @on(NodePicker.Moved)
    def _show_node(self, event: NodePicker.Moved) -> None:
        self._under = self._by_place[event.place] if event.place else None
        self._show_summary()

    def _draw(self) -> None:
        state, lanes = self._state, self.query_one(LaneList)
        states = {place: state.states[node.name] for place, node in self._by_place.items()}
        self.query_one(NodePicker).show_states(states, map(place_of, following(state)))
        lanes.show(state.lanes, self._around)
        lanes.display = bool(state.lanes)
        self._show_absence()
        self._show_ways()
        self._show_summary()

    def _show_summary(self) -> None:
        state = self._state
        left = state.count(NodeState.TODO) + state.count(NodeState.FAILED)
        busy = sum(isinstance(lane.phase, Working | Ready) for lane in state.lanes)
        seconds = seconds_for_rest(left, self._seconds, busy)
        self.query_one(RigSummary).show(state, self._under, seconds)

    def _show_absence(self) -> None:
        """Why there are no lanes, or no news of them."""
        trouble, place = self._state.trouble, self.query_one("#no-lanes", Static)
        words = _("Put a card into a reader: it appears here by itself.")
        if trouble:
            words = f"✗ {explain(trouble)}"
        place.display = bool(trouble) or not self._state.lanes
        if str(place.content) != words:
            place.update(words)

    def _show_ways(self) -> None:
        """How new cards are treated."""
        auto = _("A auto ● ON") if self._state.auto else _("A auto ○ off")
        sound = _("M sound ○ off") if self._silent else _("M sound ● on")
        words = _("PAUSED · P goes on") if self._state.paused else f"{auto}   {sound}"
        ways = self.query_one("#ways", Static)
        ways.set_class(self._state.paused, "-paused")
        if str(ways.content) != words:
            ways.update(words)
