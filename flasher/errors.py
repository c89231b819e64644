"""The one error type: what happened, where, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum
from pathlib import Path
from traceback import extract_tb

from autosetup.faults import Fault, Faulty


class ExitCode(IntEnum):
    """What a command's exit status promises to scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    CANCELLED = 4
    ENVIRONMENT = 5
    INTERRUPTED = 130


class FlasherError(Exception):
    """Something that a person must hear about.

    Args:
        code: stable kebab-case word for scripts and tests, such as ``image-too-large``.
        message: the fact and its place, one sentence.
        hint: what to do now, one sentence.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class BadInput(FlasherError):
    """What was asked for cannot be asked: wrong arguments, or a file with faults in it."""

    exit_code = ExitCode.USAGE


class BadDocument(BadInput):
    """A TOML or JSON file that does not check; carries every fault found, not just the first.

    Args:
        what: the kind of document, such as ``scanner profile``.
        faults: at least one.
    """

    def __init__(self, what: str, faults: tuple[Fault, ...]) -> None:
        listed = "\n".join(f"  {fault}" for fault in faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(
            "bad-document",
            f"This {what} has {count}:\n{listed}",
            "Mend the lines named and try again.",
        )
        self.faults = faults


class Refused(FlasherError):
    """Refused because it could destroy something that matters; no switch overrides it."""

    exit_code = ExitCode.REFUSED


class Cancelled(FlasherError):
    """The person in front of it said stop."""

    exit_code = ExitCode.CANCELLED

    def __init__(self, what: str) -> None:
        super().__init__(
            "cancelled", f"{what} was cancelled.", "Start it again when you are ready."
        )


class EnvironmentLacks(FlasherError):
    """This computer lacks a program, a right or a feature; `flasher doctor` says how to get it."""

    exit_code = ExitCode.ENVIRONMENT


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest of the words that are known, whatever the case; empty if none is near."""
    spelled = {each.casefold(): each for each in known}
    near = get_close_matches(word.casefold(), spelled, 1)
    return f"Did you mean {spelled[near[0]]}?" if near else ""


_PROGRAM, _PARTS = Path(__file__).parent.parent, ("flasher", "builder", "autosetup")
_FREE_SPACE = ("disk-full", "Free some space and run the same command again.")
_SYSTEM_ERRORS = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EROFS: ("read-only", "Choose a folder that can be written, or mount it writable."),
}
_OTHER_SYSTEM_ERROR = (
    "system-error",
    "Check the reader, the disk space and your rights, then try again.",
)


def explained(error: Exception) -> FlasherError:
    """Any exception as the one error type: the last net of the command line and of the wizard."""
    if isinstance(error, FlasherError):
        return error
    if isinstance(error, Faulty):
        return BadDocument("document", error.faults)
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        code, hint = _SYSTEM_ERRORS.get(error.errno or 0, _OTHER_SYSTEM_ERROR)
        return FlasherError(code, f"The system said no: {error.strerror or error}{place}.", hint)
    return FlasherError(
        "internal",
        f"The program stumbled: {type(error).__name__}: {error}{_place_of(error)}.",
        "Try again; if it comes back, report these words.",
    )


def _place_of(error: Exception) -> str:
    """Where it happened, as far as it is known: the innermost place in this program."""
    for place in reversed(extract_tb(error.__traceback__)):
        file = Path(place.filename)
        if file.is_relative_to(_PROGRAM) and file.relative_to(_PROGRAM).parts[0] in _PARTS:
            return f" ({file.relative_to(_PROGRAM)}, line {place.lineno})"
    return ""
