"""The end: what was made, what is missing, and what is taken along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable, Static

from flasher import paths
from flasher.bench.model import BenchState, NodeState
from flasher.bench.node_state import made
from flasher.errors import FlasherError
from flasher.exports import LABEL_ENDINGS
from flasher.image.source import ImageFile
from flasher.rehearsal.run import Rehearsal
from flasher.rig.rigmap import Node, RigMap
from flasher.rig.site import is_locked
from flasher.tui.attempt import attempt
from flasher.tui.node_signs import LOOKS
from flasher.tui.rehearsals import Choice, card_in, card_of
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.rehearsal import RehearsalScreen
from flasher.tui.screens.save_file import SaveFileScreen
from flasher.tui.screens.site_travel import BackupScreen
from flasher.tui.screens.unlock import UnlockScreen
from flasher.tui.seen import Seen, look
from flasher.tui.site_shelf import Opened
from flasher.tui.take_along import LEDGER_ENDINGS, SHEETS, save_labels, save_lines
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.tally import tally
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.words import _
from flasher.tui.workplace import Workplace

_LOOK_EVERY_SECONDS = 1.0


@dataclass
class Looked(Message):
    """What was seen, or why it cannot be."""

    outcome: Seen | FlasherError


class DoneScreen(WizardScreen[str | None]):
    """Gives the name of a node whose card is to be made next; None to go back as it is.

    Args:
        workplace: ledger and readers.
        rig: whose cards were made.
        bench: what the bench is now; cards may be made meanwhile.
        image: for rehearsals of cards that are in no reader; None where there is none.
        on_rehearsed: told the name of each node whose card was rehearsed well.
    """

    HELP = _("""
# What was made

Above is the rig in numbers, below each of its nodes. **M** shows only those that still need a card;
**Enter** takes the node under the cursor back to the bench, where its card is made next.

- **L** writes a sheet of labels, to be printed and stuck onto the cards.
- **E** writes what the ledger knows of this rig: for another laptop, a spreadsheet, or Ansible.
- **B** makes a copy of the site with its key, sealed by a passphrase. Keep it: without that key new
  cards are not trusted by the nodes.
- **R** boots the card of the node under the cursor in an emulated Pi. If it is in a reader, a copy
  of that very card; else the card as it would be made now.
""")
    DEFAULT_CSS = """
    DoneScreen #sum { text-align: center; text-style: bold; }
    DoneScreen.-whole #sum { background: $success; color: $background; }
    DoneScreen.-partly #sum { background: $warning; color: $background; }
    DoneScreen #tally { height: auto; max-height: 8; padding: 0 2; margin: 1 0; }
    DoneScreen #lonely { color: $text-warning; margin-top: 1; }
    DoneScreen DataTable {
        height: 1fr;
        border: round $secondary;
        border-title-color: $foreground;
        background: $surface;
    }
    DoneScreen DataTable:focus { border: round $primary; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("enter", "make", _("Make"), priority=True),
        Binding("m", "missing", _("Missing")),
        Binding("l", "labels", _("Labels")),
        Binding("e", "ledger", _("Ledger")),
        Binding("b", "backup", _("Back up")),
        Binding("r", "rehearse", _("Rehearse")),
        Binding("escape", "dismiss(None)", _("Back"), key_display="Esc"),
    ]

    def __init__(
        self,
        workplace: Workplace,
        rig: RigMap,
        bench: Callable[[], BenchState],
        image: ImageFile | None,
        *,
        on_rehearsed: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._workplace, self._rig, self._image = workplace, rig, image
        self._bench, self._states = bench, dict(bench().states)
        self._on_rehearsed = on_rehearsed
        self.only_missing = False
        self.seen = Seen()

    def compose(self) -> ComposeResult:
        """Numbers over the nodes."""
        yield TitleBar("Done", practice=self._workplace.practice)
        yield Static(id="sum")
        with Vertical(id="tally"):
            yield Static(id="roles")
            yield Static(Content(self._reminder()), id="lonely")
        with Horizontal():
            yield DataTable[str](cursor_type="row", zebra_stripes=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Show what is known, and look what the ledger has."""
        table = self.query_one(DataTable)
        table.add_columns("", _("Node"), _("Position"), _("State"), _("Card"), _("Made (UTC)"))
        table.focus()
        self._show()
        self.look_again()
        self.set_interval(_LOOK_EVERY_SECONDS, self._follow)

    @property
    def shown(self) -> tuple[Node, ...]:
        """The nodes in the table."""
        nodes = self._rig.nodes
        if not self.only_missing:
            return nodes
        return tuple(node for node in nodes if not self._states[node.name].is_made)

    def _follow(self) -> None:
        """Cards may be made while this is looked at."""
        if self.is_active and self._states != (states := dict(self._bench().states)):
            self._states = states
            self._show()
            self.look_again()

    @work(thread=True, exclusive=True, exit_on_error=False, group="look")
    def look_again(self) -> None:
        """Read the ledger, and look at the readers."""

        self.post_message(Looked(attempt(lambda: look(self._workplace, self._rig))))

    @on(Looked)
    def _see(self, message: Looked) -> None:
        if isinstance(message.outcome, FlasherError):
            self.tell(message.outcome)
            return
        self.seen = message.outcome
        self._show()

    def _show(self) -> None:
        whole, count = len(self._states), made(self._states)
        self.set_class(count == whole, "-whole")
        self.set_class(count != whole, "-partly")
        self.query_one("#sum", Static).update(Content(_headline(count, whole)))
        self.query_one("#roles", Static).update(tally(self._rig, self._states))
        self.query_one("#lonely").display = self.seen.lonely
        self._fill(self.query_one(DataTable))

    def _fill(self, table: DataTable[str]) -> None:
        row, cards = table.cursor_row, self.seen.cards()
        table.clear()
        for node in self.shown:
            sign, _style, word = LOOKS[self._states[node.name]]
            cells = (sign, node.name, node.position, word, *cards.get(node.name, ("", "")))
            table.add_row(*cells, key=node.name)
        table.move_cursor(row=row)
        table.border_title = _("Still to be made") if self.only_missing else _("All nodes")

    def action_missing(self) -> None:
        """All nodes, or only those that need a card."""
        self.only_missing = not self.only_missing
        self._show()

    def action_make(self) -> None:
        """Back to the bench, for the card of this node."""
        if node := self._under():
            self.dismiss(node.name)

    @work(exclusive=True, exit_on_error=False, group="save")
    async def action_labels(self) -> None:
        """Ask where to, and write the sheet."""
        wanted = await self.app.push_screen_wait(
            SaveFileScreen(
                _("Labels for the cards"),
                _("One for each node that has a card: its position, its name, and a code."),
                self._place("labels", ".pdf"),
                endings=LABEL_ENDINGS,
                choices=SHEETS,
            )
        )
        if wanted:
            self._report(attempt(lambda: save_labels(wanted, self.seen.entries)))

    @work(exclusive=True, exit_on_error=False, group="save")
    async def action_ledger(self) -> None:
        """Ask where to, and write what the ledger has of this rig."""
        wanted = await self.app.push_screen_wait(
            SaveFileScreen(
                _("The ledger of this rig"),
                _("For another laptop: .json. For a spreadsheet: .csv. For Ansible: .yaml."),
                self._place("ledger", ".json"),
                endings=LEDGER_ENDINGS,
            )
        )
        if wanted:
            self._report(attempt(lambda: save_lines(wanted.path, self.seen.entries)))

    @work(exclusive=True, exit_on_error=False, group="save")
    async def action_backup(self) -> None:
        """Write the whole site into one file that a passphrase opens."""
        site = self._rig.site
        opened: Opened | None = Opened(site, self._rig.secrets)
        if is_locked(str(site.path)):
            opened = await self.app.push_screen_wait(UnlockScreen(site.name))
        if opened and (file := await self.app.push_screen_wait(BackupScreen(opened))):
            self.notify(_("The site is in {file}. Keep it apart.").format(file=file), markup=False)
            self.look_again()

    @work(exclusive=True, exit_on_error=False, group="rehearsal")
    async def action_rehearse(self) -> None:
        """Boot the card of the node under the cursor."""
        node = self._under()
        found = self._card(node) if node else None
        if node is None or found is None:
            self.notify(_("There is neither a card of it in a reader nor an image."))
            return
        card, about = found
        screen = RehearsalScreen(node.name, card, self._workplace.ledger, about)
        result = await self.app.push_screen_wait(screen)
        if isinstance(result, Rehearsal) and _is_done(result):
            self._note_rehearsed(node.name, result)

    def _note_rehearsed(self, name: str, result: Rehearsal) -> None:
        """A card that is only planned proves nothing of one that was made."""
        if result.card and self._states[name] is NodeState.READY:
            self._on_rehearsed(name)

    def _card(self, node: Node) -> tuple[Choice, str] | None:
        """What is booted, and which card that is, in words."""
        if drive := self.seen.card_in_reader(node.name):
            words = _("a copy of the card in {drive}").format(drive=drive.path)
            return card_in(drive.path), words
        if self._image:
            return card_of(self._rig, node, self._image), _("the card as it would be made now")
        return None

    def _under(self) -> Node | None:
        nodes, row = self.shown, self.query_one(DataTable).cursor_row
        return nodes[row] if 0 <= row < len(nodes) else None

    def _reminder(self) -> str:
        words = _("! The site {name} is kept on this computer only: B backs it up.")
        return words.format(name=self._rig.site.name)

    def _place(self, what: str, ending: str) -> Path:
        return paths.home() / f"{self._rig.profile.name}-{self._rig.site.name}-{what}{ending}"

    def _report(self, outcome: str | FlasherError) -> None:
        if isinstance(outcome, FlasherError):
            self.tell(outcome)
        else:
            self.notify(outcome, markup=False)


def _headline(count: int, whole: int) -> str:
    if count == whole:
        return _("✓  All {whole} nodes have their card").format(whole=whole)
    missing = _("◐  {count} of {whole} nodes have their card, {missing} are missing")
    return missing.format(count=count, whole=whole, missing=whole - count)


def _is_done(rehearsal: Rehearsal) -> bool:
    return rehearsal.status is not None and rehearsal.status.state == "done"
