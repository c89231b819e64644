"""First screen: which kind of rig the cards are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from flasher.errors import FlasherError
from flasher.tui.attempt import attempt
from flasher.tui.messages import ProfileChosen
from flasher.tui.screens.base import WizardScreen
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.image_line import ImageLine
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.node_grid import CELL, NodeGrid
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.words import _

if TYPE_CHECKING:
    from flasher.rig.ledger import Ledger
    from flasher.rig.profile import Profile
    from flasher.rig.role import Role

_PAN = 5 * CELL


class ProfileList(ChoiceList):
    """Profiles, with keys that move the drawing beside them."""

    BINDINGS = [  # noqa: RUF012
        Binding("right", "screen.pan(1)", _("Drawing"), key_display="←→"),
        Binding("left", "screen.pan(-1)", _("Drawing"), show=False),
    ]


class ScannerScreen(WizardScreen[None]):
    """Lists the profiles; one that does not check is shown with its faults.

    Args:
        practice: whether the cards are files.
    """

    HELP = _("""
# Which scanner?

A **scanner profile** describes a kind of rig: which Raspberry Pis it has, how they are named, and
what each of them runs. Move with the arrow keys and look at the drawing on the right; press
**Enter** to choose.

**S** shows the scripts that go onto its nodes, and adds your own. **I** takes over a profile from a
stick: the folder that you were given.

A profile marked **✗** has faults. They are listed on the right with file, line and what to type.
Mend the file, then press **R** to read it again.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("s", "scripts", _("Scripts"), tooltip=_("Scripts that go onto the nodes")),
        Binding("i", "import", _("Import"), tooltip=_("Take over a profile from a stick")),
        Binding("r", "reload", _("Read again"), tooltip=_("Read the profiles again")),
    ]

    @dataclass
    class Counted(Message):
        """How many cards are made, by profile and site."""

        made: Mapping[str, Mapping[str, int]]

    @dataclass
    class Read(Message):
        """The profiles, by name; `wanted` is to be highlighted."""

        profiles: dict[str, Profile | FlasherError]
        wanted: str | None

    def __init__(self, *, practice: bool) -> None:
        super().__init__()
        self._practice = practice
        self._ledger: Ledger | None = None
        self._profiles: dict[str, Profile | FlasherError] = {}
        self._made: Mapping[str, Mapping[str, int]] = {}

    def compose(self) -> ComposeResult:
        """Profiles left, what they are right."""
        yield TitleBar("Scanner", practice=self._practice)
        with Horizontal(classes="columns"):
            yield ProfileList(id="profiles")
            with VerticalScroll(id="details"):
                yield Static(id="about")
                yield NodeGrid((), id="drawing")
                yield Static(id="roles")
        yield ImageLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the profiles, as soon as the screen is seen."""
        profiles = self.query_one("#profiles")
        profiles.border_title = _("Which scanner?")
        profiles.focus()
        self.call_after_refresh(self.action_reload)

    @property
    def is_filled(self) -> bool:
        """Whether the profiles are there."""
        return bool(self._profiles)

    def follow(self, ledger: Ledger) -> None:
        """Tell from now on how many cards of each profile are made."""
        self._ledger = ledger
        self._count(ledger)

    def on_screen_resume(self) -> None:
        """Cards may have been made meanwhile."""
        if self._ledger:
            self._count(self._ledger)

    @work(thread=True, exclusive=True, exit_on_error=False, group="ledger")
    def _count(self, ledger: Ledger) -> None:
        """A ledger that cannot be read is told where cards are made."""
        from flasher.tui.profile_words import count_made

        counted = attempt(lambda: count_made(ledger.entries()))
        self.post_message(self.Counted({} if isinstance(counted, FlasherError) else counted))

    @on(Counted)
    def _counted(self, message: Counted) -> None:
        self._made = message.made
        self._show_at(self._at)

    def action_reload(self, wanted: str | None = None) -> None:
        """Read the profiles (again), with `wanted` or the same one highlighted."""
        self._read(wanted)

    @work(thread=True, exclusive=True, exit_on_error=False, group="profiles")
    def _read(self, wanted: str | None) -> None:
        import flasher.tui.profile_words  # noqa: F401  (so that showing them need not wait for it)
        from flasher.rig.profile import list_profiles, load_profile

        read = {name: attempt(partial(load_profile, name)) for name in list_profiles()}
        self.post_message(self.Read(read, wanted))

    @on(Read)
    def _fill(self, message: Read) -> None:
        from flasher.tui.profile_words import profile_entry

        self._profiles = message.profiles
        profiles = self.query_one("#profiles", ChoiceList)
        names, before = list(self._profiles), profiles.highlighted or 0
        profiles.set_options(Option(profile_entry(n, p), id=n) for n, p in self._profiles.items())
        wanted = message.wanted
        at = names.index(wanted) if wanted in names else min(before, len(names) - 1)
        profiles.highlighted = at if names else None
        profiles.focus()

    @property
    def _at(self) -> str | None:
        """The name of the profile that is highlighted."""
        option = self.query_one("#profiles", ChoiceList).highlighted_option
        return option.id if option else None

    @on(OptionList.OptionHighlighted, "#profiles")
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        self._show_at(event.option_id)
        self.query_one("#details").scroll_home(animate=False)
        self.call_after_refresh(self.refresh_bindings)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """The drawing is moved where it is wider than its place."""
        drawing = self.query("#drawing")
        return action != "pan" or (bool(drawing) and drawing.first().max_scroll_x > 0)

    def action_pan(self, steps: int) -> None:
        """Move the drawing by some columns."""
        drawing = self.query_one("#drawing", NodeGrid)
        drawing.scroll_relative(x=steps * _PAN, animate=False)

    def _show_at(self, name: str | None) -> None:
        from flasher.tui.profile_words import about, faults_of, roles_of

        found = self._profiles.get(name or "")
        if found is None or name is None:
            return
        if isinstance(found, FlasherError):
            heading, described = faults_of(found), None
            roles: tuple[Role, ...] = ()
        else:
            heading, roles = about(found, self._made.get(name, {})), found.roles
            described = roles_of(found)
        self.query_one("#about", Static).update(heading)
        self.query_one("#details").set_class(not roles, "-broken")
        self.query_one("#drawing", NodeGrid).show_roles(roles)
        self.query_one("#roles", Static).update(described or "")

    @on(OptionList.OptionSelected, "#profiles")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        from flasher.rig.own_script import all_run

        found = self._profiles[event.option_id or ""]
        if isinstance(found, FlasherError):
            self.notify(_("Its faults are listed on the right."), title=_("It cannot be used"))
        elif not all_run(found.own):
            words = _("A script of yours cannot run: press S, and mend it or switch it off.")
            self.notify(words, title=_("It cannot be used"))
        else:
            self.post_message(ProfileChosen(found))

    def action_scripts(self) -> None:
        """Show the scripts that go onto its nodes."""
        found = self._profiles.get(self._at or "")
        if found and not isinstance(found, FlasherError):
            from flasher.tui.screens.scripts import ScriptsScreen

            screen = ScriptsScreen(found, practice=self._practice)
            self.app.push_screen(screen, lambda _none: self.action_reload())
        else:
            self.notify(_("First its faults must be mended; they are listed on the right."))

    @work(exit_on_error=False, group="question", exclusive=True)
    async def action_import(self) -> None:
        """Take over a profile from a folder."""
        from flasher.tui.screens.import_profile import ask_for_profile, take_over

        folder = await ask_for_profile(self.app)
        taken = await take_over(self.app, folder) if folder else None
        if taken:
            self.action_reload(taken.name)
            self.notify(_("{name} is taken over.").format(name=taken.name), markup=False)
