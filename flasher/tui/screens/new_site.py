"""The form for a new site."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Footer, Input

from flasher.errors import FlasherError
from flasher.rig.site import save_site
from flasher.tui.attempt import attempt
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.site_form import Answers, complaints, make_site
from flasher.tui.widgets.form_field import FormField
from flasher.tui.widgets.title_bar import TitleBar

_DEFAULT = Answers()


class NewSiteScreen(WizardScreen[str | None]):
    """Gives the name of the site that was saved, or None.

    Args:
        practice: whether the cards are files.
    """

    HELP = """
# A new site

**Enter** or **Tab** goes to the next field, **Ctrl+S** saves. What is wrong with a field is said
below it.

- **Name**: how you will find this site again, such as `studio`.
- **Password** or **SSH key**: with at least one of them you can log in to the nodes. For the key,
  type the path of your `.pub` file, or paste the line that it holds.
- **Country** and **Wifi**: leave both empty where the nodes have cables.
- **Ctrl+R** shows what you typed as passwords; press it again to hide it.

In this form, help is on **F1**, since a question mark may be part of a password.
"""
    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+s", "save", "Save"),
        Binding("ctrl+r", "reveal", "Show passwords"),
        Binding("f1", "help", "Help"),
        Binding("escape", "leave", "Cancel", key_display="Esc"),
    ]

    def __init__(self, *, practice: bool) -> None:
        super().__init__()
        self._practice = practice
        self._shown = False

    def compose(self) -> ComposeResult:
        """One line a field."""
        yield TitleBar("Site", practice=self._practice)
        with VerticalScroll(id="form", can_focus=False) as form:
            form.border_title = "New site"
            yield FormField("name", "Name", hint="studio")
            yield FormField("user", "Login", _DEFAULT.user)
            yield FormField("password", "Password", secret=True, hint="leave empty: key only")
            yield FormField("again", "Password again", secret=True)
            yield FormField("key", "SSH key", hint="~/.ssh/id_ed25519.pub, or paste it")
            yield FormField("country", "Country", hint="DE")
            yield FormField("ssid", "Wifi name", hint="leave empty: cable only")
            yield FormField("passphrase", "Wifi password", secret=True)
            yield FormField("language", "Language", _DEFAULT.language, "de_DE.UTF-8")
            yield FormField("keyboard", "Keyboard", _DEFAULT.keyboard, "de")
            yield FormField("timezone", "Time zone", _DEFAULT.timezone, "Europe/Berlin")
            with Horizontal(classes="buttons"):
                yield Button("Save", variant="primary", compact=True, action="screen.save")
                yield Button("Cancel", compact=True, action="screen.leave")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#name", Input).focus()

    @property
    def answers(self) -> Answers:
        """What stands in the fields."""
        return Answers(**{field.field: field.value for field in self.query(FormField)})

    @on(Input.Blurred)
    def _check(self, event: Input.Blurred) -> None:
        field = self.query_one(f"#field-{event.input.id}", FormField)
        if field.touched:
            field.complain(complaints(self.answers).get(field.field))

    def action_reveal(self) -> None:
        """Show or hide the secrets."""
        self._shown = not self._shown
        for field in self.query(FormField):
            field.reveal(shown=self._shown)

    def action_save(self) -> None:
        """Check everything, then save and go back."""
        wrong = complaints(self.answers)
        for field in self.query(FormField):
            field.complain(wrong.get(field.field))
        if wrong:
            self.query_one(f"#{next(iter(wrong))}", Input).focus()
            return
        site, secrets = make_site(self.answers)
        saved = attempt(lambda: save_site(site, secrets))
        if isinstance(saved, FlasherError):
            self.query_one("#field-name", FormField).complain(f"{saved.message} {saved.hint}")
            self.query_one("#name", Input).focus()
        else:
            self.dismiss(site.name)

    def farewell(self) -> str | None:
        """Nothing typed is thrown away unasked."""
        typed = any(field.touched for field in self.query(FormField))
        return "Leave the form? What you typed will be lost." if typed else None

    @work(exit_on_error=False, group="question")
    async def action_leave(self) -> None:
        """Go back without saving."""
        question = self.farewell()
        if question is None or await self.app.push_screen_wait(
            QuestionScreen(question, yes="Leave", no="Keep typing")
        ):
            self.dismiss(None)
