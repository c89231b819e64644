"""The rig as it lives: every node in its place, and one of them in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from flasher.errors import FlasherError
from flasher.fleet.board.feed import BoardFeed
from flasher.fleet.board.view import BoardView, NodeView
from flasher.tui.board_words import headline, later, look_of
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.board_node import NodeScreen
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.screens.walk import WalkScreen
from flasher.tui.trouble import in_words
from flasher.tui.widgets.board_grid import BoardGrid
from flasher.tui.widgets.board_side import BoardCounts, NodeFacts
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.node_picker import NodePicker
from flasher.tui.words import _

_PAINTS_A_SECOND = 10
_FRAME = 4
_RIG_AT_LEAST = 40


class BoardScreen(WizardScreen[None]):
    """Follows a board for as long as it is open.

    Args:
        feed: of the server.
        ticks: seconds from any beginning.

    Attributes:
        view: the newest board, at the time that it is now; `painted`: the one that is to be seen.
        trouble: why there is no contact; None where there is.
        under: name of the node that is told of.
    """

    HELP = _("""
# The board

Each sign is a node of your rig, in its place: **✓** is done, **▶** sets itself up or updates
itself, **△** has an update to come, **!** works and warns, **✗** failed, **↺** went back to what
worked before, **?** fell silent, **○** has not spoken yet, **·** has no card.

The **arrow keys** move from node to node; beside the drawing stands what is known of each, why it
failed, and what to do. **Enter** shows all of it.

- **B** has the node blink, so that you see which one it is.
- **F** goes to a node by its name or its label.
- **/** shows only the nodes that somebody should look after.
- **W** is the walk test: node after node blinks, and you say whether it is where it should be.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("b", "blink", _("Blink")),
        Binding("f", "find", _("Find")),
        Binding("slash", "troubled", _("Trouble"), key_display="/"),
        Binding("w", "walk", _("Walk test")),
        Binding("tab", "app.focus_next", _("Other side"), show=False),
        Binding("q,escape", "app.quit", _("Quit"), show=False),
    ]

    def __init__(self, feed: BoardFeed, ticks: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._feed, self._ticks = feed, ticks
        # When the newest board was heard, by `ticks`, and the time that it told.
        self._heard: tuple[float, str] = 0.0, ""
        self.painted: BoardView | None = None
        self._listed: list[tuple[str, str]] = []
        self.view: BoardView | None = None
        self.trouble: FlasherError | None = None
        self.under: str = ""

    def compose(self) -> ComposeResult:
        """The rig on the left, one node on the right."""
        with Horizontal(id="board-title"):
            yield Label("Flasher", id="product")
            yield Label(_("Board"), id="where")
            yield Label(_("waiting for the server"), id="contact")
        with Horizontal(classes="columns"):
            with Vertical(id="rig"):
                yield BoardGrid(id="grid")
                yield OptionList(id="troubled", markup=False)
            with Vertical(id="side"):
                yield BoardCounts()
                with VerticalScroll(id="node"):
                    yield NodeFacts()
        yield KeyLine()

    def on_mount(self) -> None:
        """Listen, and show what was heard."""
        self.query_one(BoardGrid).focus()
        self.set_interval(1 / _PAINTS_A_SECOND, self._paint)
        self._listen()

    @property
    def node(self) -> NodeView | None:
        """The node that keys are for: they may come before what they moved was told."""
        if self.view is None:
            return None
        if self.only_troubled:
            option = self.query_one("#troubled", OptionList).highlighted_option
            return self.view.node(option.id or "") if option else None
        return self.query_one(BoardGrid).node_at(self.query_one(BoardGrid).cursor)

    @property
    def only_troubled(self) -> bool:
        """Whether only those nodes are listed that somebody should look after."""
        return self.has_class("-troubled")

    @work(exclusive=True, exit_on_error=False, group="listen")
    async def _listen(self) -> None:
        async for news in self._feed.follow():
            if isinstance(news, FlasherError):
                self.trouble = news
            else:
                self.view, self.trouble = news, None
                self._heard = self._ticks(), news.at

    def _age(self) -> None:
        """A server that has nothing to tell is silent: time goes on all the same."""
        if self.view and not self.trouble:
            since, told = self._heard
            if (at := later(told, self._ticks() - since)) != self.view.at:
                self.view = replace(self.view, at=at)

    def _paint(self) -> None:
        """Show the newest board; however many came, at most ten times a second."""
        self._age()
        self._paint_contact()
        view = self.view
        if view is None or view is self.painted:
            return
        is_first = self.painted is None or self.painted.grids != view.grids
        self.painted = view
        self.query_one(BoardGrid).show(view)
        self.query_one(BoardCounts).show(view)
        self.query_one(NodeFacts).show(self.node, view.at)
        self._list_troubled(view)
        if is_first:
            self.query_one("#where", Label).update(Content(_("Board") + f" · {view.site}"))
            self.on_resize()

    def on_resize(self) -> None:
        """The drawing takes what it needs, up to a half."""
        widest = self.query_one(BoardGrid).widest + _FRAME
        most = max(self.size.width // 2, 1)
        self.query_one("#rig").styles.width = min(max(widest, _RIG_AT_LEAST), most)

    def _paint_contact(self) -> None:
        contact, where = self.query_one("#contact", Label), self.query_one("#where", Label)
        contact.set_class(self.trouble is not None, "-lost")
        if self.trouble:
            contact.update(_("✗ no contact"))
            where.update(Content(in_words(self.trouble)))
        elif self.view:
            contact.update(Content(f"● {self.view.at[11:19]} UTC"))
            where.update(Content(_("Board") + f" · {self.view.site}"))

    def _list_troubled(self, view: BoardView) -> None:
        found = [node for node in view.nodes if node.is_troubled or node.warnings]
        rows = [(node.name, _line(node, view.at)) for node in found]
        if rows == self._listed:
            return
        self._listed, options = rows, self.query_one("#troubled", OptionList)
        was = options.highlighted_option
        options.clear_options()
        options.add_options(Option(Content(words), id=name) for name, words in rows)
        names = [name for name, _words in rows]
        options.highlighted = names.index(was.id) if was and was.id in names else 0

    @on(NodePicker.Moved)
    def _see(self, event: NodePicker.Moved) -> None:
        self._show(self.query_one(BoardGrid).node_at(event.place))

    @on(OptionList.OptionHighlighted)
    def _see_listed(self, event: OptionList.OptionHighlighted) -> None:
        if self.only_troubled and self.view:
            self._show(self.view.node(event.option.id or ""))

    @on(NodePicker.Chosen)
    @on(OptionList.OptionSelected)
    def _open(self) -> None:
        if node := self.node:
            name = node.name
            found = lambda: self.view.node(name) if self.view else None  # noqa: E731
            self.app.push_screen(NodeScreen(found, lambda: self.view, self.blink))

    def _show(self, node: NodeView | None) -> None:
        self.under = node.name if node else ""
        panel = self.query_one("#node")
        panel.border_title = Content(f"{node.name} · {node.position}" if node else "")
        self.query_one(NodeFacts).show(node, self.view.at if self.view else "")

    def action_troubled(self) -> None:
        """Only those that somebody should look after, or the whole rig."""
        self.toggle_class("-troubled")
        if self.only_troubled:
            if not self._listed:
                self.notify(_("No node needs anybody."))
            self.query_one("#troubled").focus()
        else:
            self.query_one(BoardGrid).focus()
            if self.view and (node := self.view.node(self.under)):
                self.query_one(BoardGrid).go_to(node)

    @work(exclusive=True, exit_on_error=False, group="find")
    async def action_find(self) -> None:
        """Go to a node by its name or its label."""
        if self.view is None:
            return
        question = FindNodeScreen(_("Which node?"), self.view.nodes)
        name = await self.app.push_screen_wait(question)
        if name and (found := self.view.node(name)):
            self.remove_class("-troubled")
            self.query_one(BoardGrid).focus()
            self.query_one(BoardGrid).go_to(found)

    def action_blink(self) -> None:
        """Have the node under the cursor blink."""
        if self.node:
            self.blink(self.node)

    def blink(self, node: NodeView) -> None:
        """Ask the server to have a node blink."""
        if node.card_id:
            self._ask_to_blink(node)
        else:
            self.notify(_("{name} has no card yet.").format(name=node.name))

    @work(exit_on_error=False, group="blink")
    async def _ask_to_blink(self, node: NodeView) -> None:
        try:
            await self._feed.blink(node.card_id)
            words = _("{name} blinks as soon as it hears of it, in some seconds.")
            self.notify(words.format(name=node.name))
        except FlasherError as error:
            self.tell(error)

    def action_walk(self) -> None:
        """Node after node blinks."""
        if self.view:
            begin = self.node.name if self.node else ""
            self.app.push_screen(WalkScreen(self._feed, lambda: self.view, begin))


def _line(node: NodeView, at: str) -> str:
    look, _kind = look_of(node)
    state = headline(node, at) if node.state != "missing" else ""
    words = ", ".join(filter(None, (state, *node.warnings)))
    return f"{look.sign} {node.name} {words}".rstrip()
