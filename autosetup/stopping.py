"""The word to stop, as the service manager gives it: when the node goes down, or to this unit."""

from __future__ import annotations

import signal
from types import FrameType

from autosetup.system import System


class Stopped(BaseException):
    """The agent was told to end; what it does is cut short as by a power cut, and goes on later."""


def heed_stops() -> None:
    """Have the word raise `Stopped` wherever the agent is."""
    signal.signal(signal.SIGTERM, _stop)


def outlive_terminal() -> None:
    """Go on when the terminal hangs up, as it does where a payload changes the network."""
    signal.signal(signal.SIGHUP, lambda *_: None)


def is_going_down(system: System) -> bool:
    """Whether it is the node that goes down; a tree that does not run cannot be asked."""
    told = system.run(["systemctl", "is-system-running"]).output if system.booted else "stopping"
    return told.strip() == "stopping"


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
