"""What forms have in common: what is wrong is said at its field, and nothing typed is lost."""

from __future__ import annotations

from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import DescendantBlur
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button

from flasher.errors import FlasherError
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.trouble import in_words
from flasher.tui.widgets.form_field import Field
from flasher.tui.words import _

R = TypeVar("R")


class FormScreen(WizardScreen[R | None]):
    """A screen of `Field`s that gives a result when it is saved, and None when it is left.

    Attributes:
        busy: it is being saved, in a thread; until `complain` or the end, no key counts.
    """

    busy = False

    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+s", "save", _("Save")),
        Binding("ctrl+r", "reveal", _("Show passwords")),
        Binding("f1", "help", _("Help"), key_display="F1"),
        Binding("escape", "leave", _("Cancel"), key_display="Esc"),
    ]

    _shown = False
    # What only trying could tell: the field, its value then, and the complaint.
    _refused: tuple[str, object, str] | None = None

    def wrong(self) -> dict[str, str]:
        """What is wrong now, by field, in the order of the fields."""
        raise NotImplementedError

    def finish(self) -> None:
        """All is well: do what the form is for, and close it."""
        raise NotImplementedError

    def buttons(self, save: str) -> ComposeResult:
        """The line below the fields."""
        with Horizontal(classes="buttons"):
            yield Button(save, variant="primary", compact=True, action="screen.save")
            yield Button(_("Cancel"), compact=True, action="screen.leave")

    @property
    def touched(self) -> bool:
        """Whether anything was typed or chosen."""
        return any(field.touched for field in self.query(Field))

    @on(DescendantBlur)
    def _check(self, event: DescendantBlur) -> None:
        left = next((w for w in event.widget.ancestors_with_self if isinstance(w, Field)), None)
        wrong = self._standing() | self.wrong()
        for field in self.query(Field):
            if (field is left and field.touched) or field.has_class("-wrong"):
                field.complain(wrong.get(field.field))

    def _standing(self) -> dict[str, str]:
        """A refusal whose field was not changed since."""
        if self._refused is None:
            return {}
        name, value, words = self._refused
        return {name: words} if self._field(name).value == value else {}

    def _field(self, name: str) -> Field:
        return self.query_one(f"#field-{name}", Field)

    def refuse(self, name: str, error: FlasherError) -> None:
        """Say at a field why saving failed; it stands there until the field is changed."""
        words = in_words(error)
        self._refused = (name, self._field(name).value, words)
        self.complain({name: words})

    def complain(self, wrong: dict[str, str]) -> None:
        """Say what is wrong at each field, and go to the first one."""
        self.busy = False
        for field in self.query(Field):
            field.complain(wrong.get(field.field))
        if wrong:
            first = self.query_one(f"#{next(iter(wrong))}", Widget)
            self.set_focus(first)
            # Once the words at the fields above have taken their room.
            self.call_after_refresh(self._field(next(iter(wrong))).scroll_visible, animate=False)

    def action_reveal(self) -> None:
        """Show or hide the secrets."""
        self._shown = not self._shown
        for field in self.query(Field):
            field.reveal(shown=self._shown)

    def action_save(self) -> None:
        """Check everything, then do it, once."""
        if self.busy:
            return
        wrong = self.wrong()
        self.complain(wrong)
        if not wrong:
            self.busy = True
            self.finish()

    def farewell(self) -> str | None:
        """Nothing typed is thrown away unasked."""
        return _("Leave the form? What you typed will be lost.") if self.touched else None

    def action_leave(self) -> None:
        """Go back without saving."""
        question = self.farewell()
        if self.busy:
            self.app.bell()
        elif question is None:
            self.dismiss(None)
        else:
            asking = QuestionScreen(question, yes=_("Leave"), no=_("Keep typing"))
            self.app.push_screen(asking, self._leave)

    def _leave(self, answer: bool | None) -> None:
        if answer:
            self.dismiss(None)


class FormDialog(ModalScreen[R | None], FormScreen[R]):
    """A form in a window over the screen below."""

    DEFAULT_CSS = """
    FormDialog .window { padding: 1 2 0 2; }
    """
