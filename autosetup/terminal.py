"""What a person at a terminal is told, and the exit code that goes with it."""

from __future__ import annotations

import sys

from autosetup.errors import AgentError, as_agent_error
from autosetup.faults import Faulty
from autosetup.status import Status

DONE, FAILED = 0, 1


def say(text: str) -> None:
    """Print, as it is."""
    sys.stdout.write(text)


def refuse(error: Exception) -> int:
    """Print why nothing was done."""
    if isinstance(error, PermissionError):
        error = AgentError("not-root", "Only root may do this.", "Put sudo in front.")
    sys.stderr.write(f"{error if isinstance(error, Faulty) else as_agent_error(error)}\n")
    return FAILED


def code_of(status: Status) -> int:
    """What a program that asked for this state makes of it."""
    return FAILED if status.state == "failed" else DONE
