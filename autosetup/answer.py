"""What the board says back to a node's report."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import cast

from autosetup.manifest import LARGEST

_MOST_POINTING, _MOST_AGAIN = 600, 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What the board says back.

    Attributes:
        blink_seconds: for so long from now on the light shall say "here I am"; 0 for nothing new.
        again_seconds: the board wants to hear again after so long, 1 to 60; 0 for as usual.
        server_time: of the board, in seconds since 1970; 0 where it does not tell.
    """

    blink_seconds: int = 0
    again_seconds: int = 0
    server_time: float = 0

    def apart(self, now: float) -> str:
        """For people only: a clock is set by servers of time, never by who asks to be believed."""
        seconds = self.server_time - now
        if not self.server_time or abs(seconds) < 1:
            return ""
        return f" Its clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} ours."


def read_answer(raw: bytes) -> Answer:
    """What a board answered; what is not known here, or makes no sense, counts for nothing."""
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        values = None
    told = values if isinstance(values, dict) else {}
    return Answer(
        int(_number(told, "blink_seconds", _MOST_POINTING)),
        int(_number(told, "again_seconds", _MOST_AGAIN)),
        _number(told, "server_time", LARGEST),
    )


def _number(told: dict[str, object], name: str, most: float) -> float:
    found = told.get(name)
    fits = isinstance(found, int | float) and 0 < found < math.inf
    return float(min(cast("float", found), most)) if fits else 0.0
