"""A sign, a colour and a word for each state of a node that lives; what else is known, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from flasher.fleet.board.heard import text_of
from flasher.fleet.board.view import BoardView, NodeView, Shown
from flasher.progress import readable_size
from flasher.tui.node_signs import Look
from flasher.tui.troubles.nodes import NODES
from flasher.tui.words import _

LOOKS: dict[Shown, Look] = {
    "done": Look("✓", "$success", _("done")),
    "applying": Look("▶", "$primary", _("applying")),
    "checking": Look("◔", "$primary", _("checking")),
    "waiting": Look("◌", "$foreground", _("waiting")),
    "failed": Look("✗", "$error", _("failed")),
    "rolled-back": Look("↺", "$error", _("taken back")),
    "missing": Look("?", "$error", _("missing")),
    "unheard": Look("○", "$foreground", _("not heard yet")),
    "no-card": Look("·", "$secondary", _("no card")),
}
# Of a node that is done, and more is to be said of.
BEHIND = Look("△", "$primary", _("update to come"))
WARNED = Look("!", "$warning", _("with a warning"))
BLINKING = Look("✱", "$accent", _("blinks"))


class Warned(NamedTuple):
    """One kind of warning: what it is, and what to do."""

    what: str
    todo: str


WARNINGS = {
    "hot": Warned(_("It is too hot."), _("Give it air: a Pi slows itself down at 80 °C.")),
    "clock": Warned(
        _("Its clock is off."), _("See that a time server answers in the rig's network.")
    ),
    "worn": Warned(_("Its card is nearly worn out."), _("Make a new card for it soon.")),
    "full": Warned(_("Its card is nearly full."), _("Look at what its programs write.")),
    "two-pis": Warned(
        _("Two computers report with this card's key."),
        _("One of them has a copy: make a new card for this node."),
    ),
    "name-twice": Warned(
        _("Two nodes have this name."), _("While nodes swap this is so for a moment.")
    ),
    "old-card": Warned(
        _("An old card of it is still in the rig."), _("Take that card out: see the address.")
    ),
}


def look_of(node: NodeView) -> tuple[Look, str]:
    """How a node is shown, and the name of that for style sheets."""
    if node.blink:
        return BLINKING, "blinking"
    if node.state == "done" and node.warnings:
        return WARNED, "warned"
    if node.state == "done" and node.is_behind:
        return BEHIND, "behind"
    return LOOKS[node.state], node.state


def headline(node: NodeView, at: str) -> str:
    """Its state in a few words: ``applying, step 3 of 9: packages``."""
    word = LOOKS[node.state].word
    if node.state == "missing":
        last = next((look.word for state, look in LOOKS.items() if state == node.last_state), "–")
        return _("missing for {time}; last word: {state}").format(
            time=age(node.heard_at, at), state=last
        )
    if node.state == "applying" and node.step_count:
        return _("applying, step {n} of {count}: {step}").format(
            n=node.step_number, count=node.step_count, step=node.step
        )
    if node.state == "failed" and node.step:
        return _("failed at {step}").format(step=node.step)
    if node.state == "done" and node.is_behind:
        return f"{word}, {BEHIND.word}"
    return word


def why(node: NodeView) -> str:
    """Why it failed or went back, in the person's language where there are words; else empty."""
    if not node.code:
        return node.reason
    words = NODES.get(node.code)
    return words.cause if words else node.reason or node.code


def todo(node: NodeView) -> str:
    """What to do about it; empty where nothing is known."""
    if node.state == "missing" and "two-pis" in node.warnings:
        return ""  # it speaks, and is refused
    if node.state == "missing":
        return _("Look at its power and its cable.")
    if node.state == "unheard" and node.replaces:
        return _("Put its new card in: what the older one says is refused.")
    if node.state == "unheard":
        return _("Put its card in, and start it.")
    words = NODES.get(node.code)
    return words.todo if words else node.hint


def warning_lines(node: NodeView) -> Iterator[str]:
    """Each warning of a node: what it is, and what to do."""
    for code in node.warnings:
        if words := WARNINGS.get(code):
            yield f"{words.what} {words.todo}"
        elif told := NODES.get(code):
            yield f"{told.cause} {told.todo}"
        else:
            yield _("The node warns: {code}").format(code=code)


def facts_of(node: NodeView, at: str) -> Iterator[tuple[str, str]]:
    """What is known of a node: label and value; what is not known is left out."""
    pairs = (
        (_("Address"), node.address),
        (_("Also from"), node.twin_address),
        (_("Heard"), _ago(node.heard_at, at)),
        (_("Generation"), _generation(node)),
        (_("Update"), node.update),
        (_("Heat"), _("{n} °C").format(n=node.temperature) if node.temperature else ""),
        (_("Clock"), _clock(node.clock_offset)),
        (_("Card worn"), f"{node.wear} %" if node.wear is not None else ""),
        (_("Free"), readable_size(node.free_bytes) if node.free_bytes is not None else ""),
        (_("Runs for"), _span(node.uptime) if node.uptime else ""),
        (_("Agent"), node.agent_version),
        (_("Pi"), node.model),
        (_("Serial"), node.serial),
        (_("Card"), node.card_id),
        (_("Card before"), node.replaces),
        (_("Image"), node.image_digest[:16]),
        (_("Addresses"), " ".join(node.addresses)),
    )
    return (pair for pair in pairs if pair[1])


def counts_of(view: BoardView) -> Iterator[tuple[Look, int]]:
    """Each way in which nodes are shown, and how many are so; a node that blinks is as it was."""
    counts = Counter(look_of(replace(node, blink=""))[0] for node in view.nodes)
    for look in (LOOKS["done"], BEHIND, WARNED, *list(LOOKS.values())[1:]):
        yield look, counts[look]


def age(then: str, now: str) -> str:
    """The time between two times of a board, in words; empty where one is none."""
    seconds = seconds_between(then, now)
    return _span(seconds) if seconds is not None else ""


def later(at: str, seconds: float) -> str:
    """A time of a board so many whole seconds later; as it is where it is none."""
    try:
        return text_of(datetime.fromisoformat(at) + timedelta(seconds=int(seconds)))
    except ValueError:
        return at


def seconds_between(then: str, now: str) -> float | None:
    """Seconds between two times of a board; None where one is none."""
    try:
        span = datetime.fromisoformat(now) - datetime.fromisoformat(then)
    except ValueError:
        return None
    return max(span.total_seconds(), 0.0)


def _generation(node: NodeView) -> str:
    if node.is_behind:
        return f"{node.generation} → {node.wanted}"
    return str(node.generation) if node.generation else ""


def _clock(offset: float | None) -> str:
    if offset is None:
        return ""
    if abs(offset) < 0.05:
        return _("right")
    words = _("{n} s slow") if offset > 0 else _("{n} s fast")
    return words.format(n=f"{abs(offset):.1f}")


def _ago(then: str, now: str) -> str:
    seconds = seconds_between(then, now)
    if seconds is None:
        return ""
    return _("just now") if seconds < 2 else _("{time} ago").format(time=_span(seconds))


def _span(seconds: float) -> str:
    if seconds < 100:
        return _("{n} s").format(n=round(seconds))
    if seconds < 100 * 60:
        return _("{n} min").format(n=round(seconds / 60))
    if seconds < 48 * 3600:
        return _("{n} h").format(n=round(seconds / 3600))
    return _("{n} days").format(n=round(seconds / 86400))
