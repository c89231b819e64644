"""What failed is tried again, after pauses that grow and are never quite the same for two nodes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from autosetup import forms
from autosetup.codes import CODES

# Nodes of one rig that failed together shall not come back together.
_SPREAD = 0.25


def pause_after(attempt: int, pauses: Sequence[float], node: str = "") -> float:
    """Seconds until the next try.

    Args:
        attempt: the one that failed, counted from 1 and over every boot.
        pauses: after the first, the second …; the last one holds for all that follow.
        node: its name; the same node and attempt give the same pause.
    """
    pause = pauses[min(max(attempt, 1), len(pauses)) - 1]
    # No secret hangs on it.
    return pause * (1 + _SPREAD * random.Random(f"{node} {attempt}").random())  # noqa: S311


def is_tried_again(code: str | None) -> bool:
    """Whether a failure may pass by itself."""
    found = CODES.get(code or "")
    return found is None or found.again


def when(seconds: float) -> str:
    """The UTC time so many seconds from now, as the contract writes it."""
    return forms.utc_text(time.time() + seconds)
