"""How many examples hypothesis tries, and which.

Every run tries the same ones, so that what is green stays green. `FLASHER_EXAMPLES=20` tries twenty
times as many, new ones each time.
"""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("FLASHER_EXAMPLES", "1"))


def examples(count: int) -> int:
    """How many examples a test gets that has so many in every run."""
    return count * FACTOR


def load() -> None:
    """Make this the way of all tests; none leaves a database of examples behind."""
    settings.register_profile("flasher", deadline=None, derandomize=FACTOR == 1, database=None)
    settings.load_profile("flasher")
