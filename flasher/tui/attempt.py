"""Work that may fail, as a value: nothing that goes wrong in a thread ends the wizard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flasher.errors import FlasherError, explained

T = TypeVar("T")


def attempt(work: Callable[[], T]) -> T | FlasherError:
    """What the work returns, or the error that it ended in."""
    try:
        return work()
    except Exception as error:  # the person sees what was caught, and goes on
        return explained(error)
