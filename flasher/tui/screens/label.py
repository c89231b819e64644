"""A card that is ready: what to write on it, in large letters, and what it took."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from flasher.bench.model import Ready
from flasher.progress import readable_seconds, readable_size
from flasher.tui.big_words import big
from flasher.tui.engine_words import translated
from flasher.tui.screens.base import WizardDialog
from flasher.tui.words import _

_WIDTH = 68


class LabelScreen(WizardDialog[None]):
    """Shows the label; any of the usual keys closes it.

    Args:
        ready: the card.
    """

    HELP = _("""
# A card that is ready

It was written and read back, byte by byte. Take it out, write on it what stands here in large
letters, and put in the next one.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("escape,enter,space", "dismiss", _("Close"), key_display="Esc"),
    ]

    def __init__(self, ready: Ready) -> None:
        super().__init__()
        self._ready = ready

    def compose(self) -> ComposeResult:
        """The label, then the small print."""
        node = self._ready.result.node
        with VerticalScroll(classes="window") as window:
            window.border_title = Content(_("{name} is ready").format(name=node.name))
            yield Static(_("Take the card out and write on it:"), markup=False)
            letters = big(node.position, _WIDTH) or (node.position,)
            yield Static(Content.styled("\n".join(letters), "b"), id="sticker")
            yield Static("\n".join(self._small_print()), markup=False, id="small-print")
        yield Footer(show_command_palette=False)

    def _small_print(self) -> Iterator[str]:
        result = self._ready.result
        yield _("{size} written, every byte read and compared, in {time}.").format(
            size=readable_size(result.bytes_written), time=readable_seconds(result.seconds)
        )
        if result.bytes_kept:
            kept = readable_size(result.bytes_kept)
            yield _("{size} were right on it already.").format(size=kept)
        yield from (f"! {translated(note)}" for note in self._ready.notes)
