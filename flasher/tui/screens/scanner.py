"""First screen: which kind of rig the cards are for."""

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
from flasher.rig.profile import Profile, Role, list_profiles, load_profile
from flasher.tui.attempt import attempt
from flasher.tui.messages import ProfileChosen
from flasher.tui.screens.base import WizardScreen
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.facts import explain, facts
from flasher.tui.widgets.image_line import ImageLine
from flasher.tui.widgets.node_grid import NodeGrid
from flasher.tui.widgets.title_bar import TitleBar


class ScannerScreen(WizardScreen[None]):
    """Lists the profiles; one that does not check is shown with its faults.

    Args:
        practice: whether the cards are files.
    """

    HELP = """
# Which scanner?

A **scanner profile** describes a kind of rig: which Raspberry Pis it has, how they are named, and
what each of them runs. Move with the arrow keys and look at the drawing on the right; press
**Enter** to choose.

A profile marked **✗** has faults. They are listed on the right with file, line and what to type.
Mend the file, then press **R** to read it again.
"""
    BINDINGS = [  # noqa: RUF012
        Binding("r", "reload", "Read again", tooltip="Read the profiles again"),
    ]

    def __init__(self, *, practice: bool) -> None:
        super().__init__()
        self._practice = practice
        self._profiles: dict[str, Profile | FlasherError] = {}

    def compose(self) -> ComposeResult:
        """Profiles left, what they are right."""
        yield TitleBar("Scanner", practice=self._practice)
        with Horizontal(classes="columns"):
            yield ChoiceList(id="profiles")
            with VerticalScroll(id="details"):
                yield Static(id="about")
                yield NodeGrid((), id="drawing")
                yield Static(id="roles")
        yield ImageLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read the profiles."""
        self.query_one("#profiles").border_title = "Which scanner?"
        self.action_reload()

    def action_reload(self) -> None:
        """Read the profiles (again)."""
        self._profiles = {name: attempt(partial(load_profile, name)) for name in list_profiles()}
        profiles = self.query_one("#profiles", ChoiceList)
        before = profiles.highlighted or 0
        profiles.set_options(Option(_entry(n, p), id=n) for n, p in self._profiles.items())
        profiles.highlighted = min(before, len(self._profiles) - 1) if self._profiles else None
        profiles.focus()

    @on(OptionList.OptionHighlighted, "#profiles")
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        found = self._profiles[event.option_id or ""]
        broken = isinstance(found, FlasherError)
        roles = () if isinstance(found, FlasherError) else found.roles
        self.query_one("#about", Static).update(
            _faults(found) if isinstance(found, FlasherError) else _about(found)
        )
        self.query_one("#details").set_class(broken, "-broken")
        self.query_one("#drawing", NodeGrid).show_roles(roles)
        self.query_one("#roles", Static).update(Group(*map(_describe, roles)))
        self.query_one("#details").scroll_home(animate=False)

    @on(OptionList.OptionSelected, "#profiles")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        found = self._profiles[event.option_id or ""]
        if isinstance(found, FlasherError):
            self.notify("Its faults are listed on the right.", title="It cannot be used")
        else:
            self.post_message(ProfileChosen(found))


def _entry(name: str, found: Profile | FlasherError) -> Content:
    if isinstance(found, FlasherError):
        return Content.from_markup("[$error]✗ $name[/]\n  [dim]has faults[/]", name=name)
    count = sum(role.count for role in found.roles)
    return Content.from_markup(
        "[b]$title[/b]\n[dim]$name, $count nodes[/]", title=found.title, name=name, count=count
    )


def _about(profile: Profile) -> Content:
    return Content.from_markup(
        "[b]$title[/b]\n$description\n", title=profile.title, description=profile.description
    )


def _faults(error: FlasherError) -> Group:
    return Group(Text("✗ This profile cannot be used.\n", style="bold"), explain(error))


def _describe(role: Role) -> Group:
    what = [
        ("does", role.does),
        ("runs", ", ".join(script.source.partition("/")[2] for script in role.scripts)),
        ("gets", ", ".join(file.path for file in role.files)),
        ("starts", ", ".join(role.services.enable)),
        ("stops", ", ".join(role.services.disable)),
    ]
    title = Text(f"\n{role.count} × {role.title}", style="bold")
    return Group(title, facts([(verb, words) for verb, words in what if words], indent=2))
