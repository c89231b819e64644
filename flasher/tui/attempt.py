"""Work that may fail, as a value: nothing that goes wrong in a thread ends the wizard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flasher.errors import FlasherError

T = TypeVar("T")


def attempt(work: Callable[[], T]) -> T | FlasherError:
    """What the work returns, or the error that it ended in."""
    try:
        return work()
    except FlasherError as error:
        return error
    except OSError as error:
        return FlasherError(
            "system-error",
            f"The system said no: {error.strerror or error}{_place(error)}.",
            "Check the reader, the disk space and your rights, then try again.",
        )
    except Exception as error:  # the last net: the person sees what was caught, and goes on
        return FlasherError(
            "internal",
            f"The program stumbled: {type(error).__name__}: {error}.",
            "Try again; if it comes back, report these words.",
        )


def _place(error: OSError) -> str:
    return f" ({error.filename})" if error.filename else ""
