"""For whom a script is, what it does, and how long it may take."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Footer, Input, Label, Static

from flasher.errors import BadInput, FlasherError
from flasher.rig.addressees import getting, meant_for
from flasher.rig.own_script import MAX_SECONDS, OwnScript
from flasher.rig.profile import Profile
from flasher.rig.rigmap import nodes_of
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.form_field import FormField
from flasher.tui.widgets.tick import Tick
from flasher.tui.words import _


class ScriptSettings(WizardDialog[OwnScript | None]):
    """Gives the script with what was said of it, or None.

    Args:
        profile: whose nodes it may be for.
        script: as it was.
    """

    HELP = _("""
# For whom?

Tick the roles whose nodes run this script (**Space**), or type single nodes by their names or
labels, separated by commas. With nothing ticked and nothing typed it is for **every node**.

A script that takes longer than it may is stopped, and the node says so.
**Ctrl+S** saves, **Escape** leaves everything as it was.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+s", "save", _("Save")),
        Binding("f1", "help", _("Help"), key_display="F1"),
        Binding("escape", "dismiss(None)", _("Cancel"), key_display="Esc"),
    ]
    DEFAULT_CSS = """
    ScriptSettings .window { padding: 0 1; }
    ScriptSettings Tick { padding-left: 18; }
    ScriptSettings #reach { height: auto; padding-left: 18; }
    """

    def __init__(self, profile: Profile, script: OwnScript) -> None:
        super().__init__()
        self._profile, self._script = profile, script

    def compose(self) -> ComposeResult:
        """Roles to tick over three lines."""
        script = self._script
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = Content(script.file)
            yield Label(_("For all nodes of these roles:"))
            for role in self._profile.roles:
                words = f"{role.title} ({role.count})"
                yield Tick(words, ticked=role.name in script.roles, id=f"role-{role.name}")
            hint = _("for example {name}").format(name=nodes_of(self._profile)[-1].name)
            yield FormField(
                "nodes",
                _("And for these"),
                ", ".join(script.nodes),
                hint,
            )
            yield Static(id="reach")
            yield FormField("title", _("What it does"), script.title)
            yield FormField("timeout", _("Seconds at most"), str(script.timeout_seconds))
            with Horizontal(classes="buttons"):
                yield Button(_("Save"), variant="primary", compact=True, action="screen.save")
                yield Button(_("Cancel"), compact=True, action="screen.dismiss(None)")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the roles."""
        self.query(Tick).first().focus()
        self._tell_reach()

    @on(Tick.Changed)
    @on(Input.Changed)
    def _tell_reach(self) -> None:
        """How many cards it goes onto, while it is said for whom it is."""
        made = self._meant()
        words = ""
        if not isinstance(made, FlasherError):
            count, total = len(getting(self._profile, made)), len(nodes_of(self._profile))
            words = _("→ {count} of {total} cards").format(count=count, total=total)
            if not made.roles and not made.nodes:
                words = _("Nothing ticked: every node, {total} cards").format(total=total)
        self.query_one("#reach", Static).update(words)

    def _meant(self) -> OwnScript | BadInput:
        """The script for those who are ticked and typed, as if it were switched on."""
        words = [word for word in self._value("nodes").split(",") if word.strip()]
        roles = [
            tick.id.removeprefix("role-") for tick in self.query(Tick) if tick.ticked and tick.id
        ]
        try:
            return meant_for(self._profile, replace(self._script, enabled=True), roles, words)
        except BadInput as error:
            return error

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def action_save(self) -> None:
        """Check everything, then close with it."""
        made, time = self._meant(), self._value("timeout")
        wrong = made if isinstance(made, BadInput) else None
        self._complain("nodes", f"{wrong.message} {wrong.hint}" if wrong else None)
        fits = time.isascii() and time.isdigit() and 1 <= int(time[:9]) <= MAX_SECONDS
        limits = _("Type a number from 1 to {most}.").format(most=MAX_SECONDS)
        self._complain("timeout", None if fits else limits)
        if isinstance(made, OwnScript) and fits:
            title, enabled = self._value("title"), self._script.enabled
            self.dismiss(replace(made, title=title, timeout_seconds=int(time), enabled=enabled))

    def _complain(self, name: str, words: str | None) -> None:
        self.query_one(f"#field-{name}", FormField).complain(words)
        if words:
            self.query_one(f"#{name}", Input).focus()
