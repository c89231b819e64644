"""One wifi of a site: its name, how it is locked, and its passphrase."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Footer

from autosetup.settings import Security
from flasher.tui.network_form import (
    Network,
    network_complaints,
    network_remark,
    passphrase_count,
    security_names,
)
from flasher.tui.screens.form import FormDialog
from flasher.tui.widgets.form_field import Field, FormField
from flasher.tui.widgets.pick_field import PickField
from flasher.tui.widgets.tick import TickField
from flasher.tui.words import _


class WifiScreen(FormDialog[Network]):
    """Gives the wifi as it was typed, or None.

    Args:
        network: what the fields begin with.
        others: names of the site's other networks.
    """

    HELP = _("""
# A wifi

- **Name**: exactly as the access point has it. Capitals count, and so do blanks inside it.
- **Security**: WPA2 fits nearly everywhere. Choose WPA3 only where the access point is set so.
- **Passphrase**: 8 to 63 characters. **Ctrl+R** shows it. A key of 64 hex digits is taken, too.
- **Hidden**: the access point does not show its name.
- **Shared out**: where a rig is large, tick it for several networks: each node joins one of them.

What was pasted with blanks at its ends or with letters that nobody sees is told; **Ctrl+L** cleans
the field. Here, help is on **F1**, since a question mark may be part of a passphrase.
""")

    def __init__(self, network: Network, others: Collection[str] = ()) -> None:
        super().__init__()
        self._start, self._others = network, others

    def compose(self) -> ComposeResult:
        """The fields in a window."""
        start = self._start
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = _("Wifi")
            yield FormField("ssid", _("Name"), start.ssid, _("as the access point has it"))
            yield PickField(
                "security",
                _("Security"),
                lambda: tuple(security_names().items()),
                start.security,
                codes=False,
            )
            yield FormField(
                "passphrase",
                _("Passphrase"),
                start.passphrase,
                secret=True,
                remark=passphrase_count,
            )
            yield TickField("hidden", _("hidden: it does not show its name"), ticked=start.hidden)
            yield TickField(
                "dealt", _("shared out: each node joins one of those ticked"), ticked=start.dealt
            )
            yield from self.buttons(_("OK"))
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#ssid").focus()
        self._fit()

    @property
    def network(self) -> Network:
        """What stands in the fields."""
        values = {field.field: field.value for field in self.query(Field)}
        return Network(
            ssid=cast("str", values["ssid"]),
            security=cast("Security", values["security"]),
            hidden=cast("bool", values["hidden"]),
            passphrase=cast("str", values["passphrase"]),
            dealt=cast("bool", values["dealt"]),
        )

    @on(PickField.Changed)
    def _fit(self) -> None:
        network = self.network
        self.query_one("#field-passphrase").display = network.security != "open"
        self.query_one("#field-security", PickField).remark(network_remark(network))

    def wrong(self) -> dict[str, str]:
        """What is wrong with the wifi."""
        return network_complaints(self.network, self._others)

    def finish(self) -> None:
        """Give it to the form of the site."""
        self.dismiss(self.network)
