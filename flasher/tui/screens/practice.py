"""The practice desk: cards are put into readers, pulled, and broken, to see what happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from flasher.drives.watch import LOOK_EVERY_SECONDS
from flasher.errors import FlasherError
from flasher.practice.bench import PracticeBench, PracticeCard
from flasher.practice.condition import BROKEN, CRAWLING, FORGETFUL
from flasher.tui.attempt import attempt
from flasher.tui.practice_words import affliction, lesson, title, toggled
from flasher.tui.screens.base import WizardDialog
from flasher.tui.widgets.choice_list import ChoiceList
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.words import _

_EMPTY = "·"


@dataclass
class BoxListed(Message):
    """What is on the desk now."""

    cards: tuple[PracticeCard, ...] | FlasherError

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, BoxListed)


class PracticeScreen(WizardDialog[None]):
    """Readers left, the box right.

    Args:
        desk: whose readers and cards these are.
    """

    HELP = _("""
# The practice desk

Here you are the hand that puts cards into readers. On the left are the **readers**, on the right is
the **box** of cards: new ones, and all kinds of bad ones.

- **Enter** on a card of the box puts it into the next empty reader; **1**, **2** … into that one.
- **Enter** on a reader pulls its card. Do it while the card is written, and see what happens.
- **B** breaks the card in a reader, **S** spoils what is written to it, **W** makes it slow. The
  same key mends it.

**Escape** goes back. Cards that were made lie in the box, and can be put in again. **D** throws the
card away that is chosen in the box: the next one of its kind is as it was at first.
""")
    DEFAULT_CSS = """
    PracticeScreen #desk { width: 100%; max-width: 110; height: 100%; max-height: 30; padding: 0 1;
        background: $surface; border: round $warning; border-title-style: bold;
        layout: vertical; }
    PracticeScreen Horizontal { height: 1fr; }
    PracticeScreen #lesson { height: 2; margin: 0 1; color: $text-muted; }
    /* What is told in passing lies below the readers: box and lesson stay in sight. */
    PracticeScreen ToastRack { margin-bottom: 5; }
    PracticeScreen ToastHolder { align-horizontal: left; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("b", "afflict('broken')", _("Break")),
        Binding("s", "afflict('forgetful')", _("Spoil")),
        Binding("w", "afflict('slow')", _("Slow")),
        Binding("d,delete", "throw_away", _("Throw away")),
        Binding("tab", "app.focus_next", _("Switch"), key_display="Tab"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("escape,f8", "dismiss(None)", _("Back"), key_display="Esc"),
        *(Binding(str(n), f"insert({n})", show=False) for n in range(1, 10)),
    ]
    AFFLICTIONS = {"broken": BROKEN, "forgetful": FORGETFUL, "slow": CRAWLING}  # noqa: RUF012

    def __init__(self, desk: PracticeBench) -> None:
        super().__init__()
        self._desk = desk
        self.cards: dict[str, PracticeCard] = {}

    def compose(self) -> ComposeResult:
        """Two lists, and what to try."""
        with Container(id="desk") as frame:
            frame.border_title = _("Practice desk: what your hands do")
            with Horizontal():
                yield ChoiceList(id="slots")
                yield ChoiceList(id="box")
            yield Static(id="lesson", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Look at the desk, and whenever something happens there."""
        for name, words in (("#slots", _("Readers")), ("#box", _("Box"))):
            self.query_one(name).border_title = words
            self.query_one(name).styles.width = "1fr"
        self.query_one("#box").focus()
        self._follow()

    @work(thread=True, exit_on_error=False, group="desk")
    def _follow(self) -> None:
        worker, signal = get_current_worker(), self._desk.signal()
        changed = True
        while not worker.is_cancelled:
            if changed:
                self.post_message(BoxListed(attempt(self._desk.box)))
            changed = signal.wait(LOOK_EVERY_SECONDS)

    @on(BoxListed)
    def _show(self, message: BoxListed) -> None:
        if isinstance(message.cards, FlasherError):
            self.tell(message.cards)
            return
        self.cards = {card.name: card for card in message.cards}
        inside = {card.reader: card for card in message.cards if card.reader}
        _fill(self.query_one("#slots", ChoiceList), self._slots(inside))
        _fill(self.query_one("#box", ChoiceList), self._box())
        self._teach()

    def _slots(self, inside: dict[int, PracticeCard]) -> Iterator[Option]:
        for reader in self._desk.readers:
            yield Option(_slot(reader, inside.get(reader)), id=str(reader))

    def _box(self) -> Iterator[Option]:
        """One new card stands for all of them: there are always more."""
        fresh = self._desk.fresh()
        for card in (PracticeCard(fresh, "new", self._desk.condition_of(fresh)), *self._others()):
            words = affliction(card.condition) if card.kind != "slow" else ""
            yield Option(_entry(title(card), words), id=card.name)

    def _others(self) -> Iterator[PracticeCard]:
        for card in self.cards.values():
            is_unused = card.kind == "new" and (card.drive is None or card.drive.blank)
            if card.reader is None and not is_unused:
                yield card

    @on(DescendantFocus)
    @on(OptionList.OptionHighlighted)
    def _teach(self) -> None:
        card = self._chosen()
        self.query_one("#lesson", Static).update(lesson(card) if card else "")

    @on(OptionList.OptionSelected, "#slots")
    def _pull(self, event: OptionList.OptionSelected) -> None:
        self._desk.pull(int(event.option_id or 0))

    @on(OptionList.OptionSelected, "#box")
    def _put_in(self, event: OptionList.OptionSelected) -> None:
        desk = self._desk
        free = next((n for n in desk.readers if desk.inside(n) is None), None)
        if free is None:
            self.notify(_("Pull a card first."), title=_("No reader is empty"))
        else:
            self._insert(free, event.option_id or "")

    def action_insert(self, reader: int) -> None:
        """Put the card that is chosen in the box into this reader."""
        box = self.query_one("#box", ChoiceList)
        if reader in self._desk.readers and box.highlighted_option:
            self._insert(reader, box.highlighted_option.id or "")

    @work(thread=True, exit_on_error=False, group="insert")
    def _insert(self, reader: int, name: str) -> None:
        done = attempt(partial(self._desk.insert, reader, name))
        if isinstance(done, FlasherError):
            self.post_message(BoxListed(done))

    def action_afflict(self, what: str) -> None:
        """Have something go wrong with the card that is chosen, or mend it."""
        if card := self._chosen():
            self._desk.afflict(card.name, toggled(card, self.AFFLICTIONS[what]))

    def action_throw_away(self) -> None:
        """Be rid of the card that is chosen in the box; there is another one of its kind."""
        card = self._chosen()
        if card and card.reader is None:
            self._desk.throw_away(card.name)

    def _chosen(self) -> PracticeCard | None:
        slots = self.query_one("#slots", ChoiceList)
        chosen = slots if slots.has_focus else self.query_one("#box", ChoiceList)
        if (option := chosen.highlighted_option) is None or option.id is None:
            return None
        if chosen is not slots:
            fresh = PracticeCard(option.id, "new", self._desk.condition_of(option.id))
            return self.cards.get(option.id, fresh)
        name = self._desk.inside(int(option.id))
        return self.cards.get(name) if name else None


def _fill(box: ChoiceList, options: Iterator[Option]) -> None:
    """Exchange what a list shows; the same place stays chosen."""
    before = box.highlighted or 0
    box.set_options(options)
    box.highlighted = min(before, box.option_count - 1) if box.option_count else None


def _slot(reader: int, card: PracticeCard | None) -> Content:
    name = _("reader {number}").format(number=reader)
    if card is None:
        return Content.from_markup(
            "$sign $name\n  [dim]$words[/dim]", sign=_EMPTY, name=name, words=_("empty")
        )
    sign, doing = ("▶", _("being written")) if card.is_held else ("●", affliction(card.condition))
    what = " · ".join(filter(None, (title(card), doing)))
    return Content.from_markup("$sign [b]$name[/b]\n  $what", sign=sign, name=name, what=what)


def _entry(words: str, more: str) -> Content:
    return Content.from_markup("$words [dim]$more[/dim]", words=words, more=more)
