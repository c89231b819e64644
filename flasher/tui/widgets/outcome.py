"""How a card ended, big and plain: ready with its label, or what happened and what to do."""

from __future__ import annotations

from rich.table import Table
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from flasher.errors import Cancelled, FlasherError
from flasher.prepare import CardResult
from flasher.progress import readable_seconds, readable_size
from flasher.rig.rigmap import Node
from flasher.tui.widgets.facts import facts


class Outcome(Vertical):
    """Empty until `show` is called."""

    def compose(self) -> ComposeResult:
        """A head line, the label as a sticker, and words."""
        yield Static(id="headline")
        yield Static(id="instruction")
        yield Static(id="sticker", markup=False)
        yield Static(id="words")

    def show(self, node: Node, outcome: CardResult | FlasherError) -> None:
        """Say how it ended for this node."""
        self.remove_class("-ready", "-failed", "-stopped")
        if isinstance(outcome, CardResult):
            self.add_class("-ready")
            self._say(f"✓  {node.name} is ready", _instruction(node), node.position, _made(outcome))
        elif isinstance(outcome, Cancelled):
            self.add_class("-stopped")
            self._say(f"■  {node.name} was stopped", Content(""), "", _trouble(outcome))
        else:
            self.add_class("-failed")
            self._say(f"✗  {node.name} failed", Content(""), "", _trouble(outcome))

    def _say(
        self, headline: str, instruction: Content, sticker: str, words: Content | Table
    ) -> None:
        self.query_one("#headline", Static).update(Content(headline))
        self.query_one("#instruction", Static).update(instruction)
        self.query_one("#sticker", Static).update(sticker)
        self.query_one("#words", Static).update(words)


def _instruction(node: Node) -> Content:
    return Content.from_markup(
        "Take the card out and write [b]$position[/b] on it.", position=node.position
    )


def _made(result: CardResult) -> Content:
    kept = f", {readable_size(result.bytes_kept)} were right already" if result.bytes_kept else ""
    return Content.from_markup(
        "[dim]$written written$kept; every byte read and compared, in $seconds.[/]",
        written=readable_size(result.bytes_written),
        kept=kept,
        seconds=readable_seconds(result.seconds),
    )


def _trouble(error: FlasherError) -> Table:
    return facts(
        [("What happened", error.message), ("What to do", error.hint), ("", f"({error.code})")]
    )
