"""A sign, a colour and a word for each state of a node, so that colour is never needed."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content

from flasher.bench.node_state import NodeState
from flasher.tui.words import _

NEXT_SIGN = "◆"


class Look(NamedTuple):
    """How a state is shown."""

    sign: str
    style: str
    word: str


LOOKS = {
    NodeState.TODO: Look("○", "$foreground", _("to do")),
    NodeState.WRITING: Look("▶", "$warning", _("writing")),
    NodeState.READY: Look("✓", "$success", _("ready")),
    NodeState.REHEARSED: Look("◉", "$success", _("rehearsed")),
    NodeState.ALIVE: Look("♥", "$success", _("alive")),
    NodeState.FAILED: Look("✗", "$error", _("failed")),
}


def counted(look: Look, count: int) -> Content:
    """How many nodes look like this; without colour where there are none."""
    return Content.from_markup(
        f"[{look.style if count else '$secondary'}]$sign $count $word[/]",
        sign=look.sign,
        count=count,
        word=look.word,
    )
