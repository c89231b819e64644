"""A long list from which one entry is chosen by typing a part of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from flasher.rig.choices import Choice
from flasher.tui.words import _, ngettext


def matching(choices: Sequence[Choice], typed: str) -> list[Choice]:
    """The choices that hold each word that was typed; those that begin with the first one first.

    Capitals and accents make no difference, and an underscore is a blank.
    """
    words = plain(typed).split()
    if not words:
        return list(choices)
    texts = [(choice, plain(f"{choice.name} {choice.value}")) for choice in choices]
    found = [pair for pair in texts if all(word in pair[1] for word in words)]
    found.sort(key=lambda pair: _rank(pair[1], plain(pair[0].value), words[0]))
    return [choice for choice, _text in found]


def plain(text: str) -> str:
    """Text as it is compared."""
    bare = "".join(
        c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)
    )
    return bare.replace("_", " ")


def _rank(text: str, value: str, word: str) -> int:
    """The value itself, then a name that begins so, then a part of one, then the rest."""
    begins = (value == word, text.startswith(word), f" {word}" in text or f"/{word}" in text)
    return next((rank for rank, fits in enumerate(begins) if fits), len(begins))


class _Filter(Input):
    """The line that is typed into; the arrows move in the list below it."""

    BINDINGS = [  # noqa: RUF012
        Binding("down", "move('cursor_down')", _("Down"), show=False),
        Binding("up", "move('cursor_up')", _("Up"), show=False),
        Binding("pagedown", "move('page_down')", _("Page down"), show=False),
        Binding("pageup", "move('page_up')", _("Page up"), show=False),
        Binding("enter", "take", _("Choose")),
    ]

    def action_move(self, how: str) -> None:
        """Move the highlight."""
        getattr(self.screen.query_one("SearchList OptionList", OptionList), f"action_{how}")()

    def action_take(self) -> None:
        """Choose what is highlighted."""
        self.screen.query_one(SearchList).take()


class SearchList(Vertical):
    """Type to filter, arrows to move, Enter or a click to choose.

    Args:
        choices: in the order in which they are shown.
        value: the one that is highlighted at first.
        typed: what stands in the filter at first.
        complaint: says what is wrong with a text that is no choice; without it, only choices count.
        codes: show the values beside the names.
    """

    DEFAULT_CSS = """
    SearchList { height: 1fr; }
    SearchList OptionList { height: 1fr; border: none; padding: 0; background: transparent; }
    SearchList Input { background: $panel; }
    SearchList Label { height: 1; color: $text-muted; }
    """

    @dataclass
    class Chosen(Message):
        """An entry was chosen."""

        value: str

    def __init__(
        self,
        choices: Sequence[Choice],
        value: str = "",
        typed: str = "",
        complaint: Callable[[str], str | None] | None = None,
        *,
        codes: bool = True,
    ) -> None:
        super().__init__()
        self._choices, self._value = list(choices), value
        self._filter = _Filter(typed, _("type to search"), compact=True, select_on_focus=False)
        self._complaint, self._codes = complaint, codes
        self._typed, self._shown = "", list[Choice]()

    def compose(self) -> ComposeResult:
        """The filter over what it leaves."""
        yield self._filter
        yield Label(markup=False)
        entries = OptionList(compact=True)
        entries.can_focus = False
        yield entries

    def on_mount(self) -> None:
        """Show what fits."""
        self._filter.focus()
        self._fill(self._filter.value)

    def type(self, letters: str) -> None:
        """Take letters that were typed before the filter had the focus."""
        self._filter.value += letters
        self._filter.cursor_position = len(self._filter.value)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    def _fill(self, typed: str) -> None:
        self._typed, self._shown = typed, matching(self._choices, typed)
        entries = self.query_one(OptionList)
        entries.set_options(Option(entry(choice, codes=self._codes)) for choice in self._shown)
        values = [choice.value for choice in self._shown]
        own = not typed and self._value in values
        if values:
            entries.highlighted = values.index(self._value) if own else 0
        self.query_one(Label).update(self._words(typed.strip()))

    def _words(self, typed: str) -> str:
        found = len(self._shown)
        if found or not typed:
            return ngettext("{n} entry", "{n} entries", found).format(n=found)
        if self._takes(typed):
            return _("Not in the list; Enter takes what you typed.")
        return _("Nothing fits. Delete a letter.")

    def _takes(self, typed: str) -> bool:
        return self._complaint is not None and bool(typed) and self._complaint(typed) is None

    def take(self) -> None:
        """Choose what is highlighted, or what was typed where nothing fits and that will do."""
        if self._filter.value != self._typed:  # Enter came first, as from whatever types fast
            self._fill(self._filter.value)
        entries, typed = self.query_one(OptionList), self._typed.strip()
        if self._shown and entries.highlighted is not None:
            self.post_message(self.Chosen(self._shown[entries.highlighted].value))
        elif not self._shown and self._takes(typed):
            self.post_message(self.Chosen(typed))
        else:
            self.app.bell()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._shown[event.option_index].value))


def entry(choice: Choice, *, codes: bool = True) -> Content:
    """A choice as it is shown: its name, and its value where that says something."""
    if not codes or choice.name in ("", choice.value):
        return Content(choice.name or choice.value)
    return Content.from_markup("$name [dim]$value[/dim]", name=choice.name, value=choice.value)
