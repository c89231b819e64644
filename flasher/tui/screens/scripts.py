"""The scripts that go onto a scanner's nodes: those of its profile, and the technician's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from autosetup.payload import Script
from flasher.errors import FlasherError
from flasher.rig.own_script import OwnScript, draft_script, plain_name, read_file
from flasher.rig.own_scripts import (
    add_script,
    change_script,
    load_own,
    move_script,
    remove_script,
)
from flasher.rig.profile import Profile
from flasher.rig.script_check import examine
from flasher.tui.attempt import attempt
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.choose_file import ChooseFileScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.script_preview import ScriptPreview
from flasher.tui.screens.script_settings import ScriptSettings
from flasher.tui.script_words import describe_given, describe_own, own_entry, profile_entry
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.words import _

_ADD = "+add"


class ScriptList(ChoiceList):
    """Scripts, which Enter shows."""

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "select", _("Show")),
    ]


class ScriptsScreen(WizardScreen[None]):
    """Lists the scripts in the order in which they run; the technician's own can be changed.

    Args:
        profile: the scanner.
        practice: whether the cards are files.
    """

    HELP = _("""
# Scripts of your own

Each node runs these scripts once, when it sets itself up: first those of the profile, then
**yours**, in the order of this list. Yours are kept on this computer; the profile stays as it is.

- **A** adds one from a file or stick: you see it before it is taken.
- **W** says for whom it is: every node, some roles, or single nodes.
- **+** and **-** let it run later or earlier.
- **O** switches it off and on, **D** deletes it, **M** mends line ends that Windows made.

Cards that were made before know nothing of what you change here.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("a", "add", _("Add"), tooltip=_("Add a script from a file")),
        Binding("w", "settings", _("For whom"), tooltip=_("Say for whom it is")),
        Binding("plus,ctrl+down", "move(1)", _("Order"), key_display="+/-", tooltip=_("Later")),
        Binding("minus,ctrl+up", "move(-1)", _("Earlier"), show=False),
        Binding("o", "switch", _("On/off")),
        Binding("m", "mend", _("Mend"), tooltip=_("Mend line ends and encoding")),
        Binding("d,delete", "remove", _("Delete"), key_display="D"),
        Binding("escape", "dismiss(None)", _("Back"), key_display="Esc"),
    ]

    def __init__(self, profile: Profile, *, practice: bool) -> None:
        super().__init__()
        self._profile, self._practice = profile, practice
        self._folder: Path | None = None
        self._given = _given(profile)

    def compose(self) -> ComposeResult:
        """Scripts left, what they are right."""
        yield TitleBar("Scanner", practice=self._practice)
        with Horizontal(classes="columns"):
            yield ScriptList(id="scripts")
            with VerticalScroll(id="details"):
                yield Static(id="about")
        yield KeyLine()

    def on_mount(self) -> None:
        """Show them, beginning with the first own one."""
        scripts = self.query_one("#scripts")
        scripts.border_title = _("Scripts of {name}").format(name=self._profile.name)
        own = self._profile.own
        self._fill(own[0].file if own else _ADD)
        scripts.focus()

    def _fill(self, wanted: str) -> None:
        """Show the list as it is now, with `wanted` highlighted."""
        given = [
            Option(profile_entry(script, roles), id=f"+{number}")
            for number, (script, roles, _raw) in enumerate(self._given)
        ]
        own = [
            Option(own_entry(self._profile, place, script), id=script.file)
            for place, script in enumerate(self._profile.own, 1)
        ]
        new = Option(Content.from_markup("[b]$words[/b]", words=_("+ Add a script…")), id=_ADD)
        scripts = self.query_one("#scripts", ScriptList)
        scripts.set_options([*given, *own, new])
        ids = [option.id for option in scripts.options]
        scripts.highlighted = ids.index(wanted) if wanted in ids else len(ids) - 1

    @property
    def _at(self) -> OwnScript | None:
        """The own script that is highlighted."""
        option = self.query_one("#scripts", ScriptList).highlighted_option
        wanted = option.id if option else ""
        return next((script for script in self._profile.own if script.file == wanted), None)

    @on(OptionList.OptionHighlighted, "#scripts")
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        about = self.query_one("#about", Static)
        if own := self._at:
            about.update(describe_own(self._profile, own))
        elif event.option_index < len(self._given):
            about.update(describe_given(*self._given[event.option_index]))
        else:
            about.update(_("Add a script of your own: from a file, or from a stick."))
        self.query_one("#details").scroll_home(animate=False)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys stand at the bottom as long as there is something that they would do."""
        if action not in ("settings", "move", "switch", "mend", "remove") or not self.is_mounted:
            return True
        own = self._at
        return own is not None and (action != "mend" or bool(own.examine().mendable))

    @on(OptionList.OptionSelected, "#scripts")
    def _open(self, event: OptionList.OptionSelected) -> None:
        if own := self._at:
            self.app.push_screen(ScriptPreview(own.file, own.content))
        elif event.option_index < len(self._given):
            script, _roles, content = self._given[event.option_index]
            self.app.push_screen(ScriptPreview(script.source, content))
        else:
            self.action_add()

    @work(exit_on_error=False, group="question", exclusive=True)
    async def action_add(self) -> None:
        """Choose a file, look at it, say for whom it is; only then it is copied."""
        path = await self.app.push_screen_wait(
            ChooseFileScreen(
                _("Which script?"),
                accepts=Path.is_file,
                refusal=_("There is no file of this name."),
                folder=self._folder,
            )
        )
        if path is None:
            return
        self._folder = path.parent
        content = await asyncio.to_thread(attempt, partial(read_file, path))
        if isinstance(content, FlasherError):
            self.tell(content, _("That did not work"))
        else:
            await self._take(path.name, content)

    async def _take(self, name: str, content: bytes) -> None:
        file = plain_name(name).lower()
        before = next((one for one in self._profile.own if one.file.lower() == file), None)
        preview = ScriptPreview(name, content, replaces=before.file if before else "", is_new=True)
        if not await self.app.push_screen_wait(preview):
            return
        mending = bool(examine(name, content).mendable)
        draft: OwnScript | None = draft_script(name, content, mending=mending)
        if before is None and draft:
            draft = await self.app.push_screen_wait(ScriptSettings(self._profile, draft))
        if draft:
            replacing = before is not None
            self._do(lambda: add_script(self._profile.name, draft, replacing=replacing), draft.file)

    @work(exit_on_error=False, group="question", exclusive=True)
    async def action_settings(self) -> None:
        """Say for whom it is."""
        if not (script := self._at):
            return
        made = await self.app.push_screen_wait(ScriptSettings(self._profile, script))
        if made:
            self._do(lambda: change_script(self._profile.name, script.file, lambda _old: made))

    def action_move(self, places: int) -> None:
        """Let it run earlier or later."""
        if script := self._at:
            place = self._profile.own.index(script) + 1 + places
            self._do(lambda: move_script(self._profile.name, script.file, place))

    def action_switch(self) -> None:
        """Put it onto cards, or do not."""
        if script := self._at:
            self._change(script, lambda old: replace(old, enabled=not old.enabled))

    def action_mend(self) -> None:
        """Mend its line ends and its encoding."""
        if script := self._at:
            self._change(script, lambda old: old, mending=True)
            self.notify(_("{name} is mended.").format(name=script.file), markup=False)

    @work(exit_on_error=False, group="question", exclusive=True)
    async def action_remove(self) -> None:
        """Delete it, if that is meant."""
        if not (script := self._at):
            return
        question = _("Delete {name} from this computer? Cards that have it keep it.")
        if await self.app.push_screen_wait(
            QuestionScreen(question.format(name=script.file), yes=_("Delete"), no=_("Keep"))
        ):
            self._do(lambda: remove_script(self._profile.name, script.file))

    def _change(
        self, script: OwnScript, change: Callable[[OwnScript], OwnScript], *, mending: bool = False
    ) -> None:
        name = self._profile.name
        self._do(lambda: change_script(name, script.file, change, mending=mending))

    def _do(self, work: Callable[[], object], wanted: str = "") -> None:
        """Change the list, then show what is kept now, or what went wrong."""
        at = self._at
        done = attempt(work)
        if isinstance(done, FlasherError):
            self.tell(done, _("That did not work"))
        own = attempt(lambda: load_own(self._profile.name))
        if isinstance(own, FlasherError):
            self.tell(own, _("That did not work"))
        else:
            self._profile = replace(self._profile, own=own)
            self._fill(wanted or (at.file if at else _ADD))


def _given(profile: Profile) -> tuple[tuple[Script, str, bytes], ...]:
    """The profile's scripts, each with the roles that run it and its bytes."""
    found: dict[tuple[Script, bytes], list[str]] = {}
    for role in profile.roles:
        for script in role.scripts:
            found.setdefault((script, role.contents[script.source]), []).append(role.title)
    return tuple((script, ", ".join(roles), raw) for (script, raw), roles in found.items())
