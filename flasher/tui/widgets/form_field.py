"""A field of a form: its name, what is typed, and what is wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static


class LineInput(Input):
    """An input that is left at once: no letter of a password lands in the field before it."""

    BINDINGS = [  # noqa: RUF012
        Binding("enter,tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False, priority=True),
    ]


class FormField(Vertical):
    """A labelled line of input.

    Args:
        name: the field's name in the form.
        label: what people read.
        value: what stands in it at first.
        hint: an example, shown while it is empty.
        secret: whether the letters are hidden.
    """

    def __init__(
        self, name: str, label: str, value: str = "", hint: str = "", *, secret: bool = False
    ) -> None:
        super().__init__(id=f"field-{name}")
        self.field, self._label, self._first = name, label, value
        self._hint, self.secret = hint, secret

    def compose(self) -> ComposeResult:
        """The label and the input on one line, the complaint below."""
        with Horizontal():
            yield Label(self._label)
            yield LineInput(
                self._first, self._hint, password=self.secret, compact=True, id=self.field
            )
        yield Static(classes="complaint")

    @property
    def value(self) -> str:
        """What stands in it."""
        return self.query_one(Input).value

    @property
    def touched(self) -> bool:
        """Whether it was changed."""
        return self.value != self._first

    def complain(self, complaint: str | None) -> None:
        """Show what is wrong; None takes it away."""
        self.query_one(".complaint", Static).update(f"↑ {complaint}" if complaint else "")
        self.set_class(complaint is not None, "-wrong")

    def reveal(self, *, shown: bool) -> None:
        """Show or hide the letters of a secret."""
        self.query_one(Input).password = self.secret and not shown
