"""What should be mended before cards are made: this computer's clock, and what the image lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual import on, work
from textual.message import Message
from textual.widgets import Static

from flasher.errors import FlasherError
from flasher.image.source import ImageFile
from flasher.prepare import never_updated
from flasher.rig.rigmap import RigMap
from flasher.rig.wrong_clock import clock_complaint
from flasher.tui.attempt import attempt
from flasher.tui.engine_words import translated
from flasher.tui.images import ImageStatus, OpeningImage
from flasher.tui.words import ngettext
from flasher.tui.workplace import Workplace

_LOOK_EVERY_SECONDS = 5.0


class Cautions(Static):
    """Says it as long as it is so, and takes no room where nothing is to be said.

    Args:
        workplace: its clock, ledger.
        rig: whose cards are made.
    """

    @dataclass
    class Found(Message):
        """What is to be said now, a sentence or two each."""

        cautions: tuple[str, ...]

    def __init__(self, workplace: Workplace, rig: RigMap) -> None:
        super().__init__(markup=False)
        self._workplace, self._rig = workplace, rig
        self._image: ImageFile | None = None
        self._said: tuple[str, ...] = ()
        self.display = False

    def on_mount(self) -> None:
        """Look once the image is settled, and again as long as something is to be mended."""
        self.watch(self.app, "image_status", self._follow)
        self.set_interval(_LOOK_EVERY_SECONDS, self.look_again)

    def look_again(self) -> None:
        """Find out whether what was said is mended by now."""
        if self._said:
            self._look()

    def _follow(self, status: ImageStatus) -> None:
        if not isinstance(status, OpeningImage):
            self._image = status if isinstance(status, ImageFile) else None
            self._look()

    @work(thread=True, exclusive=True, exit_on_error=False, group="cautions")
    def _look(self) -> None:
        found = attempt(lambda: tuple(cautions(self._workplace, self._rig, self._image)))
        # What cannot be read is told where cards are made.
        self.post_message(self.Found(() if isinstance(found, FlasherError) else found))

    @on(Found)
    def _show(self, message: Found) -> None:
        if message.cautions != self._said:
            self._said = message.cautions
            self.display = bool(self._said)
            self.update("\n".join(f"! {words}" for words in self._said))


def cautions(workplace: Workplace, rig: RigMap, image: ImageFile | None) -> Iterator[str]:
    """What speaks against making cards now, and what to do, a sentence or two each; takes time.

    Raises:
        FlasherError: the ledger or the image cannot be read.
    """
    entries = workplace.ledger.entries()
    if complaint := clock_complaint(workplace.now(), workplace.made_at(), entries):
        yield translated(complaint)
    if image and (deaf := never_updated(rig, rig.nodes, image)):
        words = ngettext(
            "With this image, {n} node can take no updates later. If it is to, make one with: "
            "flasher build-base --update-root FILE",
            "With this image, {n} nodes can take no updates later. If they are to, make one with: "
            "flasher build-base --update-root FILE",
            len(deaf),
        )
        yield words.format(n=len(deaf))
