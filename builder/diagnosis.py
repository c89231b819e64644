"""Why a program of a step failed, in words: from what it printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from flasher.errors import FlasherError
from flasher.process import Finished

_TOLD_LINES = 12
_STATUS_LINE = re.compile(r"(?:dl|pm)status:")
_DIAGNOSES = (
    (
        r"Temporary failure resolving|Could not (?:resolve|connect)|Connection (?:failed|timed out)"
        r"|Network is unreachable",
        "network-down",
        "Check this computer's network and run the same command again: finished layers are kept.",
    ),
    (
        r"Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate",
        "package-unknown",
        "Correct the package's name in the recipe; the suite's packages are listed on "
        "packages.debian.org.",
    ),
    (
        r"remove is disabled|Unable to correct problems|[Uu]nable to satisfy|unmet dependencies",
        "packages-conflict",
        "Take one of the packages that conflict out of the recipe, or put it into another layer.",
    ),
    (
        r"does not have a Release file",
        "suite-unknown",
        'Correct the suite in the recipe (from = "debian:trixie"), if it is not Debian\'s.',
    ),
    (
        r"No space left on device",
        "disk-full",
        "Free some space and run the same command again: finished layers are kept.",
    ),
    (
        r"is not signed|NO_PUBKEY|Missing key|BADSIG|EXPKEYSIG|(?:not|invalid) signature",
        "signature-bad",
        "Check the public keys: Debian's are in the package debian-archive-keyring, another "
        "archive's in the file that the recipe names. If they are right, the mirror serves what "
        "its maker did not sign.",
    ),
    (
        r"Release file .* is expired",
        "release-expired",
        "Take a mirror that is kept up, check this computer's clock, or say in the recipe that "
        "this is an archive of the past: expired = true, below [archive].",
    ),
    (
        r"Failed to fetch|Hash Sum mismatch",
        "download-failed",
        "Run the same command again later: finished layers are kept.",
    ),
)


class StepFailed(FlasherError):
    """A layer could not be made; finished layers below it stay."""


def is_status(line: str) -> bool:
    """Whether a line is one of apt's about how far it is, which nobody wants to read."""
    return bool(_STATUS_LINE.match(line))


def diagnose(program: str, finished: Finished, log: Path) -> StepFailed:
    """Say in words why a program of a step failed, from what it printed."""
    lines = [line for line in finished.errors.splitlines() if not is_status(line)]
    tail = "\n".join(f"  {line}" for line in lines[-_TOLD_LINES:])
    for regex, code, hint in _DIAGNOSES:
        if said := _passage(lines, regex):
            return StepFailed(code, said, f"{hint} The log is {log}.")
    return StepFailed(
        "step-failed",
        f"{Path(program).name} failed ({finished.status}):\n{tail}",
        f"The whole log is {log}; finished layers are kept.",
    )


def _passage(lines: Sequence[str], regex: str) -> str:
    """The first line that matches, with the indented lines below it; "" where none does."""
    at = next((at for at, line in enumerate(lines) if re.search(regex, line)), None)
    if at is None:
        return ""
    more = takewhile(lambda line: line.startswith(" "), lines[at + 1 : at + _TOLD_LINES])
    return "\n".join([lines[at].strip().removeprefix("E: "), *more])
