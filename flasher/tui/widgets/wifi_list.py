"""The networks of a site, the preferred one first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from autosetup.faults import shown
from flasher.tui.network_form import Network
from flasher.tui.screens.wifi import WifiScreen
from flasher.tui.widgets.form_field import MOVES, Field
from flasher.tui.words import _


class _Networks(OptionList):
    """The list with its keys."""

    BINDINGS = [  # noqa: RUF012
        *MOVES,
        Binding("enter", "select", _("Open")),
        Binding("delete", "change('remove')", _("Remove"), key_display=_("Del")),
        Binding("shift+up", "change('up')", _("Order"), key_display="⇧↑↓"),
        Binding("shift+down", "change('down')", _("Later"), show=False),
    ]

    class Wanted(Message):
        """The highlighted one is to be removed, or to go up or down."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def action_change(self, what: str) -> None:
        """Ask the field for it."""
        self.post_message(self.Wanted(what))


class WifiList(Field):
    """Networks are added, changed, put into order and removed.

    Args:
        name: the field's name in the form.
        label: what people read.
        networks: those at first.
    """

    DEFAULT_CSS = """
    WifiList { height: auto; }
    WifiList > Horizontal { height: auto; }
    WifiList OptionList {
        width: 1fr; height: auto; max-height: 8; border: none; padding: 0; background: $panel;
    }
    WifiList OptionList:focus { border: none; }
    """

    @dataclass
    class Changed(Message):
        """A network came, went or moved."""

        field: str

    networks: reactive[tuple[Network, ...]] = reactive((), init=False)

    def __init__(self, name: str, label: str, networks: tuple[Network, ...]) -> None:
        super().__init__(name, label)
        self._first = networks
        self.set_reactive(WifiList.networks, networks)

    def control(self) -> Widget:
        """The list."""
        return _Networks(*self._entries(), id=self.field, compact=True)

    @property
    def value(self) -> tuple[Network, ...]:
        """The networks in their order."""
        return self.networks

    @property
    def touched(self) -> bool:
        """Whether anything was changed."""
        return self.networks != self._first

    def watch_networks(self) -> None:
        """Show them, with the same place highlighted."""
        entries = self.query_one(_Networks)
        place = entries.highlighted or 0
        entries.set_options(self._entries())
        entries.highlighted = min(place, len(self.networks))
        self.post_message(self.Changed(self.field))

    def _entries(self) -> list[Option]:
        adding = _("+ Add a wifi…") if self.networks else _("+ Add a wifi… (cables only so far)")
        return [
            *(Option(_entry(number, n)) for number, n in enumerate(self.networks, 1)),
            Option(Content(adding)),
        ]

    @on(OptionList.OptionSelected)
    def _change(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        place, networks = event.option_index, self.networks
        before = networks[place] if place < len(networks) else Network()
        others = {n.ssid for number, n in enumerate(networks) if number != place}
        self.app.push_screen(WifiScreen(before, others), partial(self._changed, place))

    def _changed(self, place: int, typed: Network | None) -> None:
        if typed is not None:
            self.networks = (*self.networks[:place], typed, *self.networks[place + 1 :])

    @on(_Networks.Wanted)
    def _rearrange(self, event: _Networks.Wanted) -> None:
        event.stop()
        entries, networks = self.query_one(_Networks), list(self.networks)
        place = entries.highlighted
        if place is None or place >= len(networks):
            return
        network = networks.pop(place)
        if event.what == "remove":
            self.networks = tuple(networks)
            self.notify(_("{name} is removed.").format(name=shown(network.ssid)), markup=False)
            return
        place = max(0, place - 1) if event.what == "up" else min(len(networks), place + 1)
        networks.insert(place, network)
        self.networks = tuple(networks)
        entries.highlighted = place


def _entry(number: int, network: Network) -> Content:
    kinds = {"wpa-psk": _("WPA2"), "sae": _("WPA3"), "open": _("open")}
    facts = [kinds[network.security]]
    facts += [_("hidden")] if network.hidden else []
    facts += [_("shared out")] if network.dealt else []
    if network.security != "open" and not network.passphrase:
        facts.append(_("✗ passphrase missing"))
    return Content.from_markup(
        "$number. $name [dim]$facts[/dim]",
        number=str(number),
        name=shown(network.ssid),
        facts=" · ".join(facts),
    )
