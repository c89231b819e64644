"""The walk test: each node blinks, and somebody in the rig says whether it is the right one."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from flasher.errors import FlasherError
from flasher.fleet.board.feed import BoardFeed
from flasher.fleet.board.view import BoardView
from flasher.fleet.board.walk import Walk, command, order
from flasher.tui.screens.base import WizardDialog
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.trouble import in_words
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.words import _, ngettext

_LOOKS_A_SECOND = 4


class WalkScreen(WizardDialog[None]):
    """Asks about every node that speaks; ends with what is to be swapped.

    Args:
        feed: has nodes blink.
        view: gives the board as it is now.
        begin: name of the node to begin with; those before it come last.
    """

    HELP = _("""
# The walk test

One node after the other blinks its green light. Walk along the rig with this computer, or have
somebody call to you.

- **Enter**: it blinks where it must.
- **O**: another one blinks. Say which place that is.
- **Space**: none is to be seen; it is named at the end.
- **B**: blink once more. **Backspace**: back to the node before.

Nothing is changed by this. At the end stands the command that puts right what was mixed up, without
touching a card.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("enter", "yes", _("Right")),
        Binding("o", "other", _("Another one")),
        Binding("space", "pass_over", _("Not seen")),
        Binding("b", "again", _("Blink again")),
        Binding("backspace", "back", _("One back"), key_display="⌫"),
        Binding("c", "copy", _("Copy the command")),
        Binding("escape", "leave", _("End"), key_display="Esc"),
    ]

    def __init__(
        self, feed: BoardFeed, view: Callable[[], BoardView | None], begin: str = ""
    ) -> None:
        super().__init__()
        self._feed, self._view = feed, view
        self._trouble = ""
        self._ended = False
        board = view()
        self.walk = Walk(order(board.nodes, begin) if board else ())

    def compose(self) -> ComposeResult:
        """Which node, and how far one is."""
        with Vertical(classes="window") as window:
            window.border_title = _("Walk test")
            yield Static(id="so-far", markup=False)
            yield Static(id="which", markup=False)
            yield Static(id="asked", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin with the first node."""
        self.set_interval(1 / _LOOKS_A_SECOND, self._show)
        self._go_on(self.walk)

    @property
    def is_over(self) -> bool:
        """Whether every node was asked about, or the walk was ended."""
        return self._ended or self.walk.here is None

    @property
    def command(self) -> str:
        """What puts right what was mixed up; empty where nothing was."""
        view = self._view()
        return command(view.scanner, view.site, self.walk.swaps) if view else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys are for what there is: a node to answer for, a way back, a command."""
        if action in {"yes", "other", "pass_over", "again"}:
            return not self.is_over
        if action == "copy":
            return self.is_over and bool(self.command)
        return action != "back" or bool(self.walk.order)

    def action_yes(self) -> None:
        """It blinks where it must."""
        if self.walk.here:
            self._go_on(self.walk.seen_at(self.walk.here))

    @work(exclusive=True, exit_on_error=False, group="other")
    async def action_other(self) -> None:
        """Ask where it blinks instead."""
        if (view := self._view()) and self.walk.here:
            title = _("In which place does it blink?")
            place = await self.app.push_screen_wait(FindNodeScreen(title, view.nodes))
            if place:
                self._go_on(self.walk.seen_at(place))

    def action_pass_over(self) -> None:
        """It is not to be seen."""
        self._go_on(self.walk.passed_over())

    def action_back(self) -> None:
        """To the node before."""
        self._ended = False
        self._go_on(self.walk.back())

    def action_again(self) -> None:
        """Blink once more."""
        self._go_on(self.walk)

    def action_copy(self) -> None:
        """Give the command to the terminal's clipboard."""
        if self.command:
            self.app.copy_to_clipboard(self.command)
            self.notify(_("The command is in the clipboard."))

    def action_leave(self) -> None:
        """First to what was found, then away."""
        if self.is_over or not self.walk.step:
            self.dismiss()
        else:
            self._ended = True
            self._go_on(self.walk)

    def _go_on(self, walk: Walk) -> None:
        self.walk, self._trouble = walk, ""
        if not self.is_over:
            self._blink()
        self._show()
        self.refresh_bindings()

    @work(exclusive=True, exit_on_error=False, group="blink")
    async def _blink(self) -> None:
        view = self._view()
        node = view.node(self.walk.here or "") if view else None
        try:
            if node:
                await self._feed.blink(node.card_id)
        except FlasherError as error:
            self._trouble = in_words(error)

    def _show(self) -> None:
        which, asked = self.query_one("#which", Static), self.query_one("#asked", Static)
        self.query_one("#so-far", Static).update(Content(_so_far(self.walk)))
        asked.set_class(bool(self._trouble), "-trouble")
        if self.is_over:
            which.update(Content(_found(self.walk)))
            asked.update(Content(self._end_words()))
            return
        view = self._view()
        node = view.node(self.walk.here or "") if view else None
        if node:
            which.update(Content(f"{node.position or node.name}\n{node.name}"))
            asked.update(Content(self._trouble or _blinking(node.blink)))

    def _end_words(self) -> str:
        if not self.walk.order:
            return _("Only nodes that speak can blink. See that they have power and a network.")
        lines = []
        if self.walk.unseen:
            names = " ".join(self.walk.unseen)
            lines.append(_("Not seen: {names}").format(names=names))
        if self.command:
            words = _("Put it right with a release; both nodes then change their names:")
            lines += [words, self.command]
        return "\n".join(lines)


def _so_far(walk: Walk) -> str:
    count = len(walk.order)
    if not count:
        return _("No node speaks yet.")
    step = min(walk.step + 1, count)
    return _("Node {n} of {count}; {right} in their places").format(
        n=step, count=count, right=walk.confirmed
    )


def _found(walk: Walk) -> str:
    swaps = walk.swaps
    if not walk.order:
        return ""
    if not swaps:
        return _("No node was seen in another's place.")
    words = ngettext("{n} swap puts the rig right:", "{n} swaps put the rig right:", len(swaps))
    return "\n".join([words.format(n=len(swaps)), *(f"{a} ↔ {b}" for a, b in swaps)])


def _blinking(blink: str) -> str:
    if blink == "blinking":
        return _("✱ It blinks now. Is this the node that stands here?")
    return _("It was asked to blink, and does so when it speaks next: some seconds.")
