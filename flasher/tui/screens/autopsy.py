"""A card that comes back from the rig: which node, what failed there, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding
from textual.message import Message

from autosetup.faults import shown
from flasher.bench.model import Autopsy, Lane
from flasher.card.inspect import CardReport
from flasher.card.log_tail import last_words
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.tui.attempt import attempt
from flasher.tui.engine_words import translated
from flasher.tui.screens.ways import Finding, WaysDialog
from flasher.tui.troubles.nodes import autopsy
from flasher.tui.widgets.details import Details
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


class AutopsyScreen(WaysDialog[Remedy]):
    """Says what failed on a node, and begins on leaving its card as it is.

    This screen only reads. To make the card anew erases it, and is asked about where that is done.

    Args:
        lane: with the card.
        in_rig: whether the card's node is one of the scanner and the site at work, so that it can
            be given a new payload.
        quiet_seconds: in which letters do nothing: they were meant for what was there before.
    """

    BEGIN: ClassVar = "#back"
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
    AutopsyScreen #headline { color: $text-warning; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "choose('')", _("Leave it"), key_display="Esc"),
        Binding("r", "choose('again')", _("Try again")),
        Binding("n", "choose('new payload')", _("New settings")),
        Binding("m", "choose('anew')", _("Make anew")),
        Binding("v", "details", _("Last words")),
        Binding("c", "copy", _("Copy them")),
    ]

    def __init__(self, lane: Lane, *, in_rig: bool = True, quiet_seconds: float = 0.0) -> None:
        assert isinstance(lane.phase, Autopsy)
        super().__init__(_finding(lane.phase, in_rig=in_rig), _("Leave it"))
        self.quiet_seconds, self._is_quiet = quiet_seconds, quiet_seconds > 0
        self._lane = lane

    def on_mount(self) -> None:
        """Hear letters only after a while, where nobody asked for this window."""
        if self._is_quiet:
            self.set_timer(self.quiet_seconds, self._listen)

    def _listen(self) -> None:
        self._is_quiet = False
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are shown in grey while letters do nothing yet."""
        can = super().check_action(action, parameters)
        is_letter = action in ("choose", "details", "copy") and parameters != ("",)
        return None if can and self._is_quiet and is_letter else can

    def unfold(self) -> None:
        """Read what the node said last."""
        if self._lane.drive:
            self._read(self._lane.drive.path)

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


def _finding(found: Autopsy, *, in_rig: bool) -> Finding[Remedy]:
    words = autopsy(found.report, found.advice)
    labels = {
        Remedy.AGAIN: _("Try again"),
        Remedy.NEW_PAYLOAD: _("New settings"),
        Remedy.ANEW: _("Make anew"),
    }
    return Finding(
        title=f"✚  {translated(found.report.summary)}",
        headline=words.cause or _("Nothing is known."),
        facts=tuple(_facts(found.report, words.todo)),
        details=_("The card is being read …"),
        ways={remedy: labels[remedy] for remedy in _remedies(found, in_rig=in_rig)},
    )


def _facts(report: CardReport, todo: str) -> Iterator[tuple[str, str]]:
    yield _("Node"), report.node or _("not known")
    yield from _said(report)
    yield from ((_("On the card"), problem) for problem in report.problems)
    if todo:
        yield _("What to do"), todo


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
