"""The passphrase of a locked site."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Footer, Input

from flasher.errors import FlasherError
from flasher.rig import keyring_store
from flasher.rig.site import has_keyring_entry, try_unlock
from flasher.rig.site_changes import lock_site
from flasher.rig.site_secrets import Lock
from flasher.tui.attempt import attempt
from flasher.tui.screens.form import FormDialog
from flasher.tui.site_shelf import Opened
from flasher.tui.widgets.form_field import FormField
from flasher.tui.widgets.tick import TickField
from flasher.tui.words import _


class UnlockScreen(FormDialog[Opened]):
    """Gives the site with its secrets, or None; a wrong passphrase is told, and asked for again.

    Args:
        name: of the site.
    """

    HELP = _("""
# A locked site

The passwords and the wifi's passphrase of this site are locked, with a passphrase that was chosen
when the site was made. Type it once: it is asked for again when the program is started anew.

Nobody can open the site without it. If it is lost, import a copy whose passphrase you know, or
make the site anew.
""")

    @dataclass
    class Tried(Message):
        """The passphrase fits, or does not."""

        outcome: Opened | FlasherError

    def __init__(self, name: str) -> None:
        super().__init__()
        self._site = name

    def compose(self) -> ComposeResult:
        """One field."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = _("The site {name} is locked").format(name=self._site)
            yield FormField("seal", _("Passphrase"), secret=True, saves=True)
            if keyring_store.is_there():
                yield TickField("remember", _("the desktop's keyring keeps it from now on"))
            yield from self.buttons(_("Unlock"))
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the passphrase."""
        self.set_focus(self.query_one("#seal"))

    @property
    def touched(self) -> bool:
        """A passphrase that is known is nothing that could be lost."""
        return False

    def wrong(self) -> dict[str, str]:
        """Whether there is something to try."""
        typed = self.query_one("#field-seal", FormField).value
        return {} if typed else {"seal": _("Type the passphrase.")}

    def finish(self) -> None:
        """Try it, in a thread: that takes half a second on purpose."""
        ticks = self.query(TickField)
        remember = bool(ticks) and ticks.first().value
        self.query_one("#field-seal", FormField).remark(_("· Trying…"))
        self._try(self.query_one("#field-seal", FormField).value, remember=remember)

    @work(thread=True, exit_on_error=False, group="unlock", exclusive=True)
    def _try(self, passphrase: str, *, remember: bool) -> None:
        def unlock() -> Opened:
            site, secrets = try_unlock(self._site, passphrase)
            if remember and not has_keyring_entry(self._site):
                lock_site(self._site, Lock(passphrase, keyring=True), lambda _name: passphrase)
            return Opened(site, secrets, passphrase)

        self.post_message(self.Tried(attempt(unlock)))

    @on(Tried)
    def _tried(self, event: Tried) -> None:
        field = self.query_one("#field-seal", FormField)
        field.remark(None)
        if isinstance(event.outcome, FlasherError):
            self.refuse("seal", event.outcome)
            field.query_one(Input).select_all()
        else:
            self.dismiss(event.outcome)
