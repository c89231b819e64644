"""A card that comes back from the rig: which node, what failed there, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Footer, Static

from autosetup.faults import shown
from flasher.bench.model import Autopsy, Lane
from flasher.card.inspect import CardReport
from flasher.card.log_tail import last_words
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.tui.attempt import attempt
from flasher.tui.engine_words import translated
from flasher.tui.screens.base import WizardDialog
from flasher.tui.troubles.nodes import autopsy
from flasher.tui.widgets.details import Details
from flasher.tui.widgets.facts import facts
from flasher.tui.words import _

_FAULTS = 3


class Remedy(Enum):
    """What is done with a card that comes back from the rig."""

    AGAIN = "again"
    NEW_PAYLOAD = "new payload"
    ANEW = "anew"


@dataclass
class LogRead(Message):
    """The end of the card's log, or why it cannot be read."""

    outcome: tuple[str, ...] | FlasherError


class AutopsyScreen(WizardDialog[Remedy | None]):
    """Gives what the person chose; None, as Escape does, leaves the card as it is.

    This screen only reads. To make the card anew erases it, and is asked about where that is done.

    Args:
        lane: with the card.
        in_rig: whether the card's node is one of the scanner and the site at work, so that it can
            be given a new payload.
        quiet_seconds: in which letters do nothing: they were meant for what was there before.
    """

    HELP = _("""
# A card that comes back

The card tells what its node said when it failed: at **which step**, **why**, and what to do.

- **Try again** has the node try the same settings once more, such as after a cable was plugged in.
- **New settings** gives it those of this site as they are now, such as after the passphrase of the
  wifi was corrected. The rest of the card stays.
- **Make anew** writes the whole card; you are asked before.
- **Escape** leaves the card as it is.

**V** shows what the node said last, **C** copies it.
""")
    DEFAULT_CSS = """
    AutopsyScreen .window { border: round $warning; }
    AutopsyScreen #cause { color: $text-warning; text-style: bold; }
    AutopsyScreen #found { margin-top: 1; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "choose('')", _("Leave it"), key_display="Esc"),
        Binding("r", "choose('again')", _("Try again")),
        Binding("n", "choose('new payload')", _("New settings")),
        Binding("m", "choose('anew')", _("Make anew")),
        Binding("v", "details", _("Last words")),
        Binding("c", "copy", _("Copy them")),
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
    ]

    def __init__(self, lane: Lane, *, in_rig: bool = True, quiet_seconds: float = 0.0) -> None:
        super().__init__()
        self.quiet_seconds, self._is_quiet = quiet_seconds, quiet_seconds > 0
        assert isinstance(lane.phase, Autopsy)
        self._lane, self._found = lane, lane.phase
        self._words = autopsy(lane.phase.report, lane.phase.advice)
        self.remedies = tuple(_remedies(lane.phase, in_rig=in_rig))

    def compose(self) -> ComposeResult:
        """Cause, facts, the last words folded away, and what can be done."""
        with VerticalScroll(classes="window", can_focus=False) as window:
            window.border_title = Content(f"✚  {translated(self._found.report.summary)}")
            yield Static(Content(self._words.cause or _("Nothing is known.")), id="cause")
            yield Static(facts(self._facts()), id="found")
            yield Details(_("The card is being read …"))
            with Horizontal(classes="buttons"):
                for remedy in self.remedies:
                    word = remedy.value
                    yield Button(_label(remedy), id=remedy.name.lower(), action=_choose(word))
                yield Button(_("Leave it"), id="back", action=_choose(""))
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin on what writes nothing."""
        self.query_one("#back").focus()
        if self._is_quiet:
            self.set_timer(self.quiet_seconds, self._listen)

    def _listen(self) -> None:
        self._is_quiet = False
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done has a key; shown in grey while letters do nothing yet."""
        if (
            action == "choose"
            and parameters != ("",)
            and Remedy(parameters[0]) not in self.remedies
        ):
            return False
        if self._is_quiet and action in ("choose", "details", "copy") and parameters != ("",):
            return None
        return True

    def action_choose(self, remedy: str) -> None:
        """Close with this remedy; none for an empty word."""
        self.dismiss(Remedy(remedy) if remedy else None)

    def action_details(self) -> None:
        """Show what the node said last, or fold it away."""
        if not self.query_one(Details).toggle():
            self.query_one("#back").focus()
        elif self._lane.drive:
            self._read(self._lane.drive.path)

    def action_copy(self) -> None:
        """Give the facts and the last words to the terminal's clipboard."""
        lines = [f"{label}: {value}" if label else value for label, value in self._facts()]
        self.app.copy_to_clipboard("\n".join([*lines, self.query_one(Details).text]))
        self.notify(_("The details are in the clipboard."))

    @work(thread=True, exclusive=True, exit_on_error=False, group="log")
    def _read(self, path: Path) -> None:
        def read() -> tuple[str, ...]:
            with drive_blocks(path) as blocks:
                return last_words(blocks)

        self.post_message(LogRead(attempt(read)))

    @on(LogRead)
    def _show_log(self, message: LogRead) -> None:
        details, said = self.query_one(Details), message.outcome
        if isinstance(said, FlasherError):
            details.show(f"{said.message}\n→ {said.hint}")
        else:
            details.show("\n".join(said) or _("The node left no log on the card."))
        details.scroll_end(animate=False)

    def _facts(self) -> Iterator[tuple[str, str]]:
        report = self._found.report
        yield _("Node"), report.node or _("not known")
        yield from _said(report)
        for problem in report.problems:
            yield _("On the card"), problem
        if self._words.todo:
            yield _("What to do"), self._words.todo


def _remedies(found: Autopsy, *, in_rig: bool) -> Iterator[Remedy]:
    """What may help, the gentlest first."""
    report = found.report
    if found.advice.again and not report.damage and report.manifest:
        yield Remedy.AGAIN
    if in_rig and report.node and report.is_writable:
        yield Remedy.NEW_PAYLOAD
    yield Remedy.ANEW


def _said(report: CardReport) -> Iterator[tuple[str, str]]:
    """What the node itself said, where it did."""
    status = report.status
    if status is None:
        return
    if status.step:
        step = _("{step} ({number} of {count})") if status.step_count else "{step}"
        names = {"step": status.step, "number": status.step_number, "count": status.step_count}
        yield _("Step"), step.format(**names)
    if status.reason:
        yield _("Reason"), shown(status.reason)
    yield from ((_("Fault"), shown(fault)) for fault in status.faults[:_FAULTS])
    if status.pi_model or status.pi_serial:
        yield _("Its Pi"), shown(" ".join(filter(None, (status.pi_model, status.pi_serial))))


def _label(remedy: Remedy) -> str:
    labels = {
        Remedy.AGAIN: _("Try again"),
        Remedy.NEW_PAYLOAD: _("New settings"),
        Remedy.ANEW: _("Make anew"),
    }
    return labels[remedy]


def _choose(word: str) -> str:
    return f"screen.choose('{word}')"
