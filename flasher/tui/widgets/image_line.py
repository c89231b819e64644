"""The line about the base image: none, being opened, ready, or why not."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from flasher.progress import readable_size
from flasher.tui.images import ImageStatus, ImageTrouble, LookingForImage, NoImage, OpeningImage
from flasher.tui.words import _


class ImageLine(Static):
    """Follows the application's `image_status`; wraps where the line is long."""

    status: reactive[ImageStatus] = reactive[ImageStatus](LookingForImage())

    def on_mount(self) -> None:
        """Follow the application."""
        self.watch(self.app, "image_status", self._follow)

    def _follow(self, status: ImageStatus) -> None:
        self.status = status
        self.update(describe(status))
        self.set_class(isinstance(status, NoImage | ImageTrouble), "-trouble")


def describe(status: ImageStatus) -> Content:
    """What to say about the base image."""
    if isinstance(status, LookingForImage):
        return Content("…")
    if isinstance(status, NoImage):
        return Content.from_markup(
            _(
                "[b]✗ There is no base image yet.[/b] Close this with Ctrl+Q, run "
                "[b]flasher build-base[/b], and come back; you may look around meanwhile."
            )
        )
    if isinstance(status, OpeningImage):
        share = "" if status.share is None else f" {status.share:.0%}"
        words = _("… Opening the base image [b]$name[/b]$share")
        return Content.from_markup(words, name=status.path.name, share=share)
    if isinstance(status, ImageTrouble):
        # Its words for every trouble are not read before there is one.
        from flasher.tui.trouble import explain

        told = explain(status.error)
        return Content.from_markup(
            "[b]✗ $what[/b] $todo", what=f"{told.what} {told.why}".rstrip(), todo=told.todo
        )
    return Content.from_markup(
        _("✓ Base image [b]$name[/b], $size"),
        name=status.path.name,
        size=readable_size(status.size),
    )
