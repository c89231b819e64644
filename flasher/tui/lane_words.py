"""What a lane says of its card, in four lines, in two, or in one. Values in, words out."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from textual.content import Content

from flasher.bench.model import (
    Autopsy,
    Counting,
    Empty,
    Failed,
    Lane,
    Offered,
    Ready,
    Refused,
    Stage,
    Working,
)
from flasher.errors import Cancelled
from flasher.progress import readable_size
from flasher.tui.big_words import big
from flasher.tui.engine_words import translated
from flasher.tui.lane_parts import (
    bar,
    holding_words,
    is_back,
    must_ask,
    share_of,
    sign_of,
    span,
    whose,
)
from flasher.tui.node_signs import NEXT_SIGN
from flasher.tui.trouble import Explained, Way, explain
from flasher.tui.words import _

LINES = 4
_SHORT_BAR = 8

_STAGES: dict[Stage, str] = {
    "plan": _("getting ready"),
    "wipe": _("clearing"),
    "probe": _("testing"),
    "write": _("writing"),
    "verify": _("reading back"),
}


@dataclass(frozen=True, slots=True)
class Around:
    """What a lane's words depend on beside the lane itself.

    Attributes:
        now: seconds of the bench's clock.
        has_image: whether there is an image to write.
    """

    now: float = 0.0
    has_image: bool = True


def full(lane: Lane, around: Around, width: int) -> list[Content]:
    """All there is to say, in `LINES` lines of at most `width` letters."""
    lines = list(_lines(lane, around, width))[:LINES]
    return lines + [Content("")] * (LINES - len(lines))


def short(lane: Lane, around: Around) -> Content:
    """The sign and the one thing that matters now."""
    return Content.from_markup("$sign $words", sign=sign_of(lane.phase), words=_short(lane, around))


def last_note(notes: tuple[str, ...]) -> Content:
    """The newest warning, if there is one."""
    return Content(f"! {translated(notes[-1])}") if notes else Content("")


def _lines(lane: Lane, around: Around, width: int) -> Iterator[Content]:
    match lane.phase:
        case Empty():
            yield Content.styled(_("Put a card in."), "dim")
        case Refused(why):
            yield Content.from_markup("✗ [b]$word[/b]", word=_("not written"))
            yield from _sentence(translated(why), width)
        case Offered() | Counting():
            yield from _offer(lane, around)
        case Working() as work:
            yield Content.from_markup("▶ [b]$whose[/b]", whose=whose(lane))
            yield Content(f"{bar(work, width - 6)} {share_of(work):>4.0%}")
            yield Content(_pace(work))
            yield last_note(work.notes)
        case Ready() as ready:
            yield from _label(lane, ready, width)
        case Failed() | Autopsy():
            yield from _trouble(lane, width)


def _offer(lane: Lane, around: Around) -> Iterator[Content]:
    yield Content(f"{sign_of(lane.phase)} {holding_words(lane)}")
    if lane.node:
        yield Content.from_markup("[b $accent]$sign $whose[/]", sign=NEXT_SIGN, whose=whose(lane))
    else:
        yield Content.from_markup("[$success]✓ $words[/]", words=_("Every node has its card."))
    yield Content("")
    yield _prompt(lane, around)


def _prompt(lane: Lane, around: Around) -> Content:
    if isinstance(lane.phase, Counting):
        left = math.ceil(max(0.0, lane.phase.starts_at - around.now))
        return Content.from_markup(_("[b $warning]starts in $n s[/] · [b]Esc[/b] holds it"), n=left)
    if lane.node is None:
        return Content.styled(_("F makes a card again"), "dim")
    if not around.has_image:
        return Content.styled(_("waits for the base image"), "dim")
    if must_ask(lane.phase):
        return Content.from_markup(_("[b]Enter[/b] asks before it is lost"))
    return Content.from_markup(_("[b]Enter[/b] writes it"))


def _pace(work: Working) -> str:
    if work.stopping:
        return _("stopping …")
    words = [_STAGES[work.stage]]
    if work.speed:
        words.append(_("{size}/s").format(size=readable_size(work.speed)))
    if work.seconds_left is not None:
        words.append(_("{time} left").format(time=span(work.seconds_left)))
    return " · ".join(words)


def _label(lane: Lane, ready: Ready, width: int) -> Iterator[Content]:
    """What to write on the card, until the next one comes."""
    notes = _(" · ! see Enter") if ready.notes else ""
    words = _("TAKE OUT, write:") if _is_inside(lane, ready) else _("write on it, put in the next:")
    yield Content.from_markup("[b]✓ $words[/b]$notes", words=words, notes=notes)
    label = ready.result.node.position
    for line in big(label, width) or ("", label.center(width)):
        yield Content.styled(line, "b")


def _is_inside(lane: Lane, ready: Ready) -> bool:
    """Whether a card may still be in: a reader that let go of it does not show who takes it out."""
    return lane.drive is not None or ready.result.ejected


def _trouble(lane: Lane, width: int) -> Iterator[Content]:
    words, why, way = _what(lane)
    yield Content.from_markup("[b]$sign $words[/b]", sign=sign_of(lane.phase), words=words)
    yield from _sentence(why, width)
    yield Content.from_markup(way)


def _what(lane: Lane) -> tuple[str, str, str]:
    """What happened, why, and the keys that lead on."""
    name = lane.node.name if lane.node else ""
    match lane.phase:
        case Failed(error):
            told = explain(error, lane)
            if isinstance(error, Cancelled):
                return _("{name} was stopped").format(name=name), "", _way_on(lane, told)
            return _("{name} failed").format(name=name), told.what, _way_on(lane, told)
        case Autopsy(report, advice):
            words = _("{name} failed in the rig").format(name=report.node or "")
            return words, advice.cause, _("[b]Enter[/b] what it says, what to do")
    return "", "", ""


def _way_on(lane: Lane, told: Explained) -> str:
    """The key that leads on, by the name that it has in the footer and in the window."""
    if Way.RETRY not in told.ways:
        return _("[b]Enter[/b] what to do")
    if lane.drive is None:
        return _("Put the card back in first.")
    if is_back(lane):
        return _("The card is back: [b]Enter[/b] goes on")
    if told.goes_on:
        return _("[b]R[/b] Go on · [b]Enter[/b] what to do")
    return _("[b]R[/b] Try again · [b]Enter[/b] what to do")


def _sentence(text: str, width: int) -> list[Content]:
    """A sentence in two lines."""
    lines = textwrap.wrap(text, max(width, 8), max_lines=2, placeholder=" …")
    return [Content(line) for line in (*lines, "", "")[:2]]


def _short(lane: Lane, around: Around) -> str:
    match lane.phase:
        case Empty():
            return _("no card")
        case Refused(why):
            return _("not written: {why}").format(why=translated(why))
        case Offered() | Counting():
            return _short_offer(lane, around)
        case Working() as work:
            left = "" if work.seconds_left is None else span(work.seconds_left)
            name = lane.node.name if lane.node else ""
            share = f"{bar(work, _SHORT_BAR)} {share_of(work):.0%}"
            return " ".join((name, share, left, _STAGES[work.stage]))
        case Ready() as ready:
            words = _("TAKE OUT · {label}") if _is_inside(lane, ready) else _("write {label} on it")
            return words.format(label=ready.result.node.position)
    words, why, _way = _what(lane)
    return f"{words}: {why}" if why else words


def _short_offer(lane: Lane, around: Around) -> str:
    if lane.node is None:
        return _("every node has its card")
    if isinstance(lane.phase, Counting):
        way = _("in {n} s").format(n=_seconds_to(lane.phase, around))
    elif not around.has_image:
        way = _("no image yet")
    else:
        way = _("Enter asks") if must_ask(lane.phase) else _("Enter")
    return f"{NEXT_SIGN} {lane.node.name} · {way}"


def _seconds_to(counting: Counting, around: Around) -> int:
    return math.ceil(max(0.0, counting.starts_at - around.now))
