"""Second screen: where the rig will stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from flasher.errors import FlasherError
from flasher.rig.foreign_setup import SiteDraft, find_setups, read_setup
from flasher.rig.profile import Profile
from flasher.rig.public_keys import find_public_keys
from flasher.rig.site import has_keyring_entry, load_site
from flasher.tui.attempt import attempt
from flasher.tui.messages import SiteChosen
from flasher.tui.places import typed_path
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.pick import PickScreen
from flasher.tui.screens.site_form import SiteFormScreen
from flasher.tui.screens.site_travel import BackupScreen, ImportScreen
from flasher.tui.screens.unlock import UnlockScreen
from flasher.tui.site_form import Answers, answers_of
from flasher.tui.site_shelf import Opened, Shelved, answers_from, shelf
from flasher.tui.site_words import description_of, entry_of
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.facts import explain
from flasher.tui.widgets.image_line import ImageLine
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.words import _

_NEW = "+new"
Use = Callable[[Opened], object]


class SiteScreen(WizardScreen[None]):
    """Lists the sites and what they hold, but never a secret.

    Args:
        profile: the scanner that was chosen.
        practice: whether the cards are files.
    """

    HELP = _("""
# Which site?

A **site** is what all nodes of one installation share: the login, the wifi, country, language and
time zone. It is kept on this computer and used again for every card.

- **Enter** chooses one. A locked one (■) asks for its passphrase once.
- **N** makes a new one, **E** changes one, **D** makes a new one that begins like this one.
- **B** backs one up into a file, key included; **I** takes one over from such a file.
- **S** begins a new one with what another program's setup file says: that of Raspberry Pi Imager
  or of cloud-init, if one lies about.

Passwords are never shown here.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("n", "new", _("New"), tooltip=_("Make a new site")),
        Binding("e", "edit", _("Edit"), tooltip=_("Change this site")),
        Binding("d", "duplicate", _("Copy"), tooltip=_("A new site that begins like this one")),
        Binding("b", "backup", _("Backup"), tooltip=_("Write all of it into one locked file")),
        Binding("i", "import", _("Import"), tooltip=_("Take a site over from its file")),
        Binding("s", "setup", _("Setup"), tooltip=_("Begin with another program's file")),
        Binding("r", "reload", _("Read again"), show=False),
        Binding("escape", "app.pop_screen", _("Back"), key_display="Esc"),
    ]

    @dataclass
    class KeyringAsked(Message):
        """What the keyring opened, or why it did not, and what it is opened for."""

        name: str
        outcome: Opened | FlasherError
        use: Use

    def __init__(self, profile: Profile, *, practice: bool) -> None:
        super().__init__()
        self._profile, self._practice = profile, practice
        self._sites: dict[str, Shelved] = {}
        self._opened: dict[str, Opened] = {}

    def compose(self) -> ComposeResult:
        """Sites left, what they hold right."""
        yield TitleBar("Site", practice=self._practice)
        with Horizontal(classes="columns"):
            yield ChoiceList(id="sites")
            with VerticalScroll(id="details"):
                yield Static(id="about")
        yield ImageLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the sites."""
        self.query_one("#sites").border_title = _("Where will it stand?")
        self.action_reload()

    def action_reload(self, wanted: str | None = None) -> None:
        """Read the sites (again), with `wanted` or the same one highlighted."""
        self._sites = shelf()
        sites = self.query_one("#sites", ChoiceList)
        before = list(self._sites).index(wanted) if wanted in self._sites else sites.highlighted
        sites.set_options(
            [
                *(Option(entry_of(site), id=name) for name, site in self._sites.items()),
                Option(Content.from_markup("[b]$words[/b]", words=_("+ New site…")), id=_NEW),
            ]
        )
        sites.highlighted = min(before or 0, len(self._sites))
        self._show()  # another one may stand in the same place
        sites.focus()

    @property
    def _here(self) -> Shelved | None:
        """The site that is highlighted; None where it is the line for a new one."""
        option = self.query_one("#sites", ChoiceList).highlighted_option
        return self._sites.get(option.id or "") if option else None

    @on(OptionList.OptionHighlighted, "#sites")
    def _show(self) -> None:
        about, site = self.query_one("#about", Static), self._here
        if site is None:
            about.update(_("Make a new site: name, login, keys, wifi, language."))
        else:
            about.update(description_of(site, self._opened.get(site.name)))

    @on(OptionList.OptionSelected, "#sites")
    def _choose(self) -> None:
        if self._here is None:
            self.action_new()
        else:
            self._with_secrets(lambda own: self.post_message(SiteChosen(own.site, own.secrets)))

    def _with_secrets(self, use: Use) -> None:
        """Do something with the site that is highlighted, once it is open."""
        site = self._here
        if site is None:
            self.notify(_("Choose a site first."))
        elif isinstance(site.found, FlasherError):
            self.notify(_("Its faults are listed on the right."), title=_("It cannot be used"))
        elif opened := site.opened or self._opened.get(site.name):
            use(opened)
        elif has_keyring_entry(site.name):
            self._ask_keyring(site.name, use)
        else:
            self._ask_person(site.name, use)

    def _ask_person(self, name: str, use: Use) -> None:
        def unlocked(opened: Opened | None) -> None:
            if opened:
                self._keep(opened)
                use(opened)

        self.app.push_screen(UnlockScreen(name), unlocked)

    @work(thread=True, exit_on_error=False, group="keyring", exclusive=True)
    def _ask_keyring(self, name: str, use: Use) -> None:
        opened = attempt(lambda: Opened(*load_site(name)))
        self.post_message(self.KeyringAsked(name, opened, use))

    @on(KeyringAsked)
    def _keyring_answered(self, event: KeyringAsked) -> None:
        if isinstance(event.outcome, FlasherError):
            self._ask_person(event.name, event.use)
        else:
            self._keep(event.outcome)
            event.use(event.outcome)

    def _keep(self, opened: Opened) -> None:
        """Remember a site that is open until the program ends, and show it."""
        name = opened.site.name
        self._opened[name] = opened
        self.action_reload(name)

    def action_new(self) -> None:
        """Make a new site."""
        self._new(Answers())

    def action_duplicate(self) -> None:
        """Make a new site that begins like this one; it gets a key of its own."""
        self._with_secrets(
            lambda opened: self._new(replace(answers_of(opened.site, opened.secrets), name=""))
        )

    def _new(self, start: Answers, told: tuple[str, ...] = ()) -> None:
        self._fill(
            SiteFormScreen(
                start,
                title=_("New site"),
                taken=list(self._sites),
                found=find_public_keys(),
                told=told,
                practice=self._practice,
            )
        )

    def action_edit(self) -> None:
        """Change a site."""
        site = self._here
        if site and site.shipped:
            self.notify(_("It ships with Flasher. D makes a site of your own that begins like it."))
        else:
            self._with_secrets(self._edit)

    def _edit(self, opened: Opened) -> None:
        self._fill(
            SiteFormScreen(
                answers_of(opened.site, opened.secrets),
                title=_("The site {name}").format(name=opened.site.name),
                found=find_public_keys(),
                edited=opened,
                practice=self._practice,
            )
        )

    def _fill(self, form: SiteFormScreen) -> None:
        def saved(opened: Opened | None) -> None:
            if opened:
                self._keep(opened)
                words = _("The site {name} is saved. Back it up with B.")
                self.notify(words.format(name=opened.site.name), markup=False)

        self.app.push_screen(form, saved)

    def action_backup(self) -> None:
        """Write all of a site into one locked file."""
        site = self._here
        if site and site.shipped:
            self.notify(_("It ships with Flasher, and needs no backup."))
        else:
            self._with_secrets(
                lambda opened: self.app.push_screen(BackupScreen(opened), self._backed_up)
            )

    def _backed_up(self, file: Path | None) -> None:
        if file:
            self.action_reload()
            words = _("{file} has all of it. Keep it apart from this computer.")
            self.notify(words.format(file=file), title=_("Backed up"), markup=False)

    def action_import(self) -> None:
        """Take a site over from its file."""

        def imported(opened: Opened | None) -> None:
            if opened:
                self._keep(opened)
                words = _("The site {name} is here.")
                self.notify(words.format(name=opened.site.name), markup=False)

        self.app.push_screen(ImportScreen(), imported)

    @work(exit_on_error=False, group="setups", exclusive=True)
    async def action_setup(self) -> None:
        """Look for setup files of other programs, and begin a site with one of them."""
        found = await asyncio.to_thread(attempt, find_setups)
        setups = () if isinstance(found, FlasherError) else found
        title = (
            _("Which setup file? Or type the path of one")
            if setups
            else _("No setup file lies about: type the path of one")
        )
        pairs = [(str(setup.path), setup.summary) for setup in setups]
        path = await self.app.push_screen_wait(PickScreen(title, pairs, complaint=_no_file))
        if path is not None:
            # A slow stick, or a password that is to be hashed, does not keep the screen.
            read = partial(read_setup, typed_path(path))
            self._begin_with(await asyncio.to_thread(attempt, read))

    def _begin_with(self, draft: SiteDraft | FlasherError) -> None:
        if isinstance(draft, SiteDraft):
            left = _("Not taken over: {what}")
            told = [left.format(what=what) for what in draft.left_out]
            self._new(answers_from(draft), tuple(told))
        else:
            self.notify(
                str(explain(draft)),
                title=_("Nothing is taken over"),
                severity="error",
                markup=False,
            )


def _no_file(path: str) -> str | None:
    return None if typed_path(path).exists() else _("There is no such file.")
