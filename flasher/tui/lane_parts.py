"""Parts of what is said of a lane: one word, one sign, one name, one measure each."""

from __future__ import annotations

import math

from flasher.bench.model import Failed, Holding, Lane, Offered, Phase, Working
from flasher.drives.model import Drive
from flasher.errors import Cancelled
from flasher.progress import readable_size
from flasher.tui.engine_words import translated
from flasher.tui.words import _

_FULL, _HALF, _NONE = "█", "▌", "░"
_HOLDINGS: dict[Holding, tuple[str, str]] = {
    "blank": ("●", _("empty")),
    "own": ("●", _("ours: {holds}")),
    "made": ("!", _("in use: {holds}")),
    "foreign": ("!", _("holds: {holds}")),
}


def kind_of(phase: Phase) -> str:
    """The phase in one word, for the style sheet."""
    if isinstance(phase, Failed) and isinstance(phase.error, Cancelled):
        return "stopped"
    return type(phase).__name__.lower()


def sign_of(phase: Phase) -> str:
    """The phase in one sign."""
    if isinstance(phase, Offered):
        return _HOLDINGS[phase.holding][0]
    signs = {
        "empty": "·",
        "counting": "●",
        "working": "▶",
        "ready": "✓",
        "stopped": "■",
    }
    return signs.get(kind_of(phase), "✗")


def drive_title(drive: Drive) -> str:
    """Maker and model, or the file's name, or the kind."""
    named = " ".join(filter(None, (drive.vendor, drive.model)))
    return drive.path.name if drive.kind == "file" else named or drive.kind


def head(lane: Lane) -> str:
    """The reader and its card in one line."""
    if lane.drive is None:
        return lane.reader.rsplit("/", 1)[-1]
    return f"{drive_title(lane.drive)} · {readable_size(lane.drive.size)}"


def whose(lane: Lane) -> str:
    """The node's name and what stands on its label."""
    return f"{lane.node.name} · {lane.node.position}" if lane.node else ""


def holding_words(lane: Lane) -> str:
    """What the card holds that is offered."""
    if not isinstance(lane.phase, Offered) or lane.drive is None:
        return translated(lane.drive.holds) if lane.drive else ""
    holds = translated(lane.drive.holds)
    if lane.drive.is_half_made:
        return holds
    return _HOLDINGS[lane.phase.holding][1].format(holds=holds)


def must_ask(phase: Phase) -> bool:
    """Whether a person is asked before what is on the card is lost."""
    return not (isinstance(phase, Offered) and phase.holding in ("blank", "own"))


def is_back(lane: Lane) -> bool:
    """Whether the card that was pulled out while it was made is in its reader again."""
    pulled = isinstance(lane.phase, Failed) and lane.phase.error.code == "card-pulled"
    return pulled and lane.drive is not None and lane.memory.pulled is None


def share_of(phase: Working) -> float:
    """The part of the stage that is done, 0 to 1."""
    return phase.done / phase.total if phase.total else 0.0


def bar(phase: Working, width: int) -> str:
    """How far the stage is; empty where that cannot be known."""
    halves = round(2 * width * min(share_of(phase), 1))
    done = _FULL * (halves // 2) + _HALF * (halves % 2)
    return done + _NONE * (width - len(done))


def span(seconds: float) -> str:
    """A span of time that does not flicker: seconds, then minutes, then hours."""
    if seconds < 99.5:
        return _("{n} s").format(n=max(1, round(seconds)))
    if seconds < 99.5 * 60:
        return _("{n} min").format(n=math.ceil(seconds / 60))
    return _("{n} h").format(n=f"{seconds / 3600:.1f}")
