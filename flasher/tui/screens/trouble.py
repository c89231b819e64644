"""A card that could not be made: what happened, why, what to do; and the ways out."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding

from flasher.bench.model import Failed, Lane
from flasher.progress import readable_size
from flasher.tui.screens.ways import Finding, WaysDialog
from flasher.tui.trouble import Explained, Way, explain
from flasher.tui.words import _


class TroubleScreen(WaysDialog[Way]):
    """Says why no card came of it; none of the ways out loses anything.

    Args:
        lane: that failed.
    """

    HELP = _("""
# A card that failed

The screen says **what happened**, **why**, and **what to do**. Nothing is broken by waiting: a card
that is not whole starts no Pi.

- **Try again**, or **Go on**, makes the card of this node once more. What is right on it is kept.
- **Other card** leaves the lane to the next card that you put in.
- **Skip this node** puts the node behind all others.
- **Escape** goes back to the bench and changes nothing.

**V** shows the details, **C** copies all that is said, so that you can send it to somebody.
""")
    DEFAULT_CSS = """
    TroubleScreen .window { border: round $error; }
    TroubleScreen #headline { color: $text-error; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "choose('')", _("Back"), key_display="Esc"),
        Binding("r", "go_on", _("Go on")),
        Binding("r", "retry", _("Try again")),
        Binding("o", "choose('other card')", _("Other card")),
        Binding("s", "choose('skip')", _("Skip")),
        Binding("v", "details", _("Details")),
        Binding("c", "copy", _("Copy them")),
    ]

    def __init__(self, lane: Lane) -> None:
        assert isinstance(lane.phase, Failed)
        told = explain(lane.phase.error, lane)
        super().__init__(_finding(lane, lane.phase, told), _("Back"))
        self._goes_on = told.goes_on

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """To try again and to go on are one way, by two names."""
        if action in ("go_on", "retry"):
            return Way.RETRY in self.ways and self._goes_on == (action == "go_on")
        return super().check_action(action, parameters)

    def action_retry(self) -> None:
        """Close with trying again."""
        self.action_choose(Way.RETRY.value)

    def action_go_on(self) -> None:
        """The same, where what is right on the card is kept."""
        self.action_retry()


def _finding(lane: Lane, failed: Failed, told: Explained) -> Finding[Way]:
    node = lane.node
    words = {
        Way.RETRY: _("Go on") if told.goes_on else _("Try again"),
        Way.OTHER_CARD: _("Other card"),
        Way.SKIP: _("Skip this node"),
    }
    why = ((_("Why"), told.why),) if told.why else ()
    return Finding(
        title=f"✗  {node.name} · {node.position}" if node else f"✗  {lane.reader}",
        headline=told.what,
        facts=(*why, (_("What to do"), told.todo)),
        details="\n".join(details(lane, failed)),
        ways={way: words[way] for way in told.ways},
    )


def details(lane: Lane, failed: Failed) -> Iterator[str]:
    """What a developer asks for, in the engine's own words."""
    error, drive = failed.error, lane.drive
    yield f"{error.message}"
    yield f"→ {error.hint}"
    yield f"({error.code})"
    yield from (f"! {note}" for note in failed.notes)
    if lane.node:
        yield f"node: {lane.node.name}, {lane.node.position}"
    yield f"reader: {lane.reader}"
    if drive:
        words = (drive.vendor, drive.model, drive.serial)
        yield f"drive: {' '.join(filter(None, (str(drive.path), *words)))}"
        yield f"size: {readable_size(drive.size)} ({drive.size} bytes)"
        yield f"on it: {drive.holds}"
