"""A field of a form: its name, what is typed, and below it what is wrong or worth knowing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from flasher.tui.pasted import cleaned, slips
from flasher.tui.words import _

MOVES = [
    Binding("tab", "app.focus_next", _("Next field"), show=False, priority=True),
    Binding("shift+tab", "app.focus_previous", _("Field before"), show=False, priority=True),
]


class LineInput(Input):
    """An input that is left at once: no letter of a password lands in the field before it."""

    BINDINGS = [  # noqa: RUF012
        *MOVES,
        Binding("enter", "enter", _("Next field"), show=False, priority=True),
        Binding("down", "app.focus_next", _("Next field"), show=False, priority=True),
        Binding("up", "app.focus_previous", _("Field before"), show=False, priority=True),
    ]

    saves = False

    @dataclass
    class LinesPasted(Message):
        """What was pasted had line breaks, which a line cannot hold."""

        lines: int

    async def action_enter(self) -> None:
        """Go on to the next field, or be done with the form."""
        if self.saves:
            # What was typed, or pasted, in one breath with Enter is still on its way to this field.
            self.call_later(self.run_action, "screen.save")
        else:
            await self.run_action("app.focus_next")

    def _on_paste(self, event: Paste) -> None:
        lines = [line for line in event.text.splitlines() if line]
        if lines[:1] != [event.text]:
            self.post_message(self.LinesPasted(len(lines)))
        # The input itself takes the first line, be it empty.
        event.prevent_default()
        super()._on_paste(Paste(lines[0] if lines else ""))
        event.stop()


class Field(Vertical):
    """A labelled place in a form, with what is wrong with it (✗) or worth knowing (!).

    Args:
        name: the field's name in the form.
        label: what people read.
    """

    DEFAULT_CSS = """
    Field { height: auto; }
    Field > Horizontal { height: 1; }
    Field > Horizontal > Label { width: 18; color: $text-muted; }
    Field.-here > Horizontal > Label { color: $primary; text-style: bold; }
    Field Input { width: 1fr; background: $panel; }
    Field .complaint, Field .remark { display: none; height: auto; padding-left: 18; }
    Field .complaint { color: $text-error; }
    Field .remark { color: $text-warning; }
    Field.-fine .remark { color: $text-success; }
    Field.-wrong .complaint, Field.-remarked .remark { display: block; }
    Field.-wrong .remark { display: none; }
    """

    def __init__(self, name: str, label: str) -> None:
        super().__init__(id=f"field-{name}")
        self.field, self._label = name, label

    def control(self) -> Widget:
        """What is typed into or chosen with; its id is the field's name."""
        raise NotImplementedError

    def on_descendant_focus(self) -> None:
        """Light up the label."""
        self.add_class("-here")

    def on_descendant_blur(self) -> None:
        """Dim it again."""
        self.remove_class("-here")

    def compose(self) -> ComposeResult:
        """The label and the control on one line, the words below."""
        with Horizontal():
            yield Label(self._label, markup=False)
            yield self.control()
        yield Static(classes="complaint", markup=False)
        yield Static(classes="remark", markup=False)

    @property
    def value(self) -> object:
        """What stands in it, as the form wants it."""
        raise NotImplementedError

    @property
    def touched(self) -> bool:
        """Whether it was changed."""
        raise NotImplementedError

    def complain(self, complaint: str | None) -> None:
        """Show what is wrong; None takes it away."""
        self.query_one(".complaint", Static).update(f"✗ {complaint}" if complaint else "")
        self.set_class(complaint is not None, "-wrong")

    def remark(self, words: str | None) -> None:
        """Show what is worth knowing and no fault; None takes it away."""
        self.query_one(".remark", Static).update(words or "")
        self.set_class(words is not None, "-remarked")
        self.set_class(words is not None and words.startswith("✓"), "-fine")

    def reveal(self, *, shown: bool) -> None:
        """Show or hide the letters of a secret."""


class FormField(Field):
    """A labelled line of input.

    What comes along unseen with pasted text is told; Ctrl+L takes it out.

    Args:
        name: the field's name in the form.
        label: what people read.
        value: what stands in it at first.
        hint: an example, shown while it is empty.
        secret: whether the letters are hidden.
        remark: what to say of a value while it is typed, if anything.
        saves: it is the last one, where Enter is as good as the button.
        fixed: it is shown, and cannot be changed.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+l", "clean", _("Clean up"), show=False),
    ]

    def __init__(
        self,
        name: str,
        label: str,
        value: str = "",
        hint: str = "",
        *,
        secret: bool = False,
        remark: Callable[[str], str | None] = lambda _value: None,
        saves: bool = False,
        fixed: bool = False,
    ) -> None:
        super().__init__(name, label)
        self._first, self._hint, self._secret, self._remark = value, hint, secret, remark
        self._saves, self._fixed, self._pasted = saves, fixed, 0

    def control(self) -> Widget:
        """The input."""
        line = LineInput(
            self._first, self._hint, password=self._secret, compact=True, id=self.field
        )
        line.saves, line.disabled = self._saves, self._fixed
        return line

    @property
    def value(self) -> str:
        """What stands in it."""
        return self.query_one(Input).value

    @property
    def touched(self) -> bool:
        """Whether it was changed."""
        return self.value != self._first

    def reveal(self, *, shown: bool) -> None:
        """Show or hide the letters of a secret."""
        self.query_one(Input).password = self._secret and not shown

    def action_clean(self) -> None:
        """Take out what nobody sees and straighten what an editor bent."""
        field = self.query_one(Input)
        field.value = cleaned(field.value)
        field.action_end()

    @on(LineInput.LinesPasted)
    def _tell_lines(self, event: LineInput.LinesPasted) -> None:
        self._pasted = event.lines
        self._tell(self.value)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._tell(event.value)

    def _tell(self, value: str) -> None:
        words = [f"! {slip}" for slip in slips(value)]
        words += [_("  Ctrl+L cleans it, if it is not meant so.")] if words else []
        words += [_lines_left_out(self._pasted)] if self._pasted and value else []
        words += [remark] if (remark := self._remark(value)) else []
        self.remark("\n".join(words) or None)


def _lines_left_out(lines: int) -> str:
    if lines == 1:
        return _("! The line break that was pasted is left out.")
    return _("! {n} lines were pasted; only the first one is taken.").format(n=lines)
