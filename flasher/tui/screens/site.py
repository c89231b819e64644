"""Second screen: where the rig will stand."""

from __future__ import annotations

from functools import partial

from rich.console import Group
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from flasher.errors import FlasherError
from flasher.rig.profile import Profile
from flasher.rig.site import Site, SiteSecrets, list_sites, load_site
from flasher.tui.attempt import attempt
from flasher.tui.messages import SiteChosen
from flasher.tui.public_keys import fingerprint
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.new_site import NewSiteScreen
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.facts import explain, facts
from flasher.tui.widgets.image_line import ImageLine
from flasher.tui.widgets.title_bar import TitleBar

_NEW = "+new"
_WIFI_KINDS = {"wpa-psk": "WPA2", "sae": "WPA3", "open": "open"}


class SiteScreen(WizardScreen[None]):
    """Lists the sites and what they hold, but never a secret.

    Args:
        profile: the scanner that was chosen.
        practice: whether the cards are files.
    """

    HELP = """
# Which site?

A **site** is what all nodes of one installation share: the login, the wifi, country, language and
time zone. It is kept on this computer and used again for every card.

Press **Enter** to choose one, **N** to make a new one. Passwords are never shown here.
"""
    BINDINGS = [  # noqa: RUF012
        Binding("n", "new", "New site", tooltip="Make a new site"),
        Binding("r", "reload", "Read again", tooltip="Read the sites again"),
        Binding("escape", "app.pop_screen", "Back", key_display="Esc"),
    ]

    def __init__(self, profile: Profile, *, practice: bool) -> None:
        super().__init__()
        self._profile, self._practice = profile, practice
        self._sites: dict[str, tuple[Site, SiteSecrets] | FlasherError] = {}

    def compose(self) -> ComposeResult:
        """Sites left, what they hold right."""
        yield TitleBar("Site", practice=self._practice)
        with Horizontal(classes="columns"):
            yield ChoiceList(id="sites")
            with VerticalScroll(id="details"):
                yield Static(id="about")
        yield ImageLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read the sites."""
        self.query_one("#sites").border_title = "Where will it stand?"
        self.action_reload()

    def action_reload(self, wanted: str | None = None) -> None:
        """Read the sites (again), with `wanted` or the same one highlighted."""
        self._sites = {name: attempt(partial(load_site, name)) for name in list_sites()}
        sites = self.query_one("#sites", ChoiceList)
        before = list(self._sites).index(wanted) if wanted in self._sites else sites.highlighted
        sites.set_options(
            [
                *(Option(_entry(name, found), id=name) for name, found in self._sites.items()),
                Option(Content.from_markup("[b]+ New site…[/b]"), id=_NEW),
            ]
        )
        sites.highlighted = min(before or 0, len(self._sites))
        sites.focus()

    @on(OptionList.OptionHighlighted, "#sites")
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        about = self.query_one("#about", Static)
        found = self._sites.get(event.option_id or "")
        if found is None:
            about.update("Make a new site: name, login, key, wifi, language.")
        elif isinstance(found, FlasherError):
            about.update(Group(Text("✗ This site cannot be used.\n", style="bold"), explain(found)))
        else:
            about.update(_describe(*found))

    @on(OptionList.OptionSelected, "#sites")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        found = self._sites.get(event.option_id or "")
        if found is None:
            self.action_new()
        elif isinstance(found, FlasherError):
            self.notify("Its faults are listed on the right.", title="It cannot be used")
        else:
            self.post_message(SiteChosen(*found))

    def action_new(self) -> None:
        """Make a new site."""
        self.app.push_screen(NewSiteScreen(practice=self._practice), self._made)

    def _made(self, name: str | None) -> None:
        if name:
            self.action_reload(name)
            self.notify(f"The site {name} is saved.")


def _entry(name: str, found: tuple[Site, SiteSecrets] | FlasherError) -> Content:
    if isinstance(found, FlasherError):
        return Content.from_markup("[$error]✗ $name[/]\n  [dim]has faults[/]", name=name)
    return Content.from_markup("[b]$name[/b]\n[dim]$title[/]", name=name, title=found[0].title)


def _describe(site: Site, secrets: SiteSecrets) -> Group:
    keys = site.user.authorized_keys
    rows = [
        ("Login", site.user.name),
        ("Password", "set" if secrets.password_hash else "none, keys only"),
        ("Keys", f"{len(keys)}" if keys else "none"),
        *(("", fingerprint(key)) for key in keys),
        ("Wifi", ", ".join(f"{w.ssid} ({_WIFI_KINDS[w.security]})" for w in site.wifi) or "none"),
        ("Country", site.country or "none"),
        ("Language", site.locale.language),
        ("Keyboard", site.locale.keyboard),
        ("Time zone", site.locale.timezone),
    ]
    return Group(Text(f"{site.title or site.name}\n", style="bold"), facts(rows))
