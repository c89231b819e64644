"""When a rehearsal is over: judged from the node's status on its card and from its console.

Pure: it is shown what there is, and says whether that is an end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from autosetup.faults import Faulty
from autosetup.status import Status

FINAL = ("done", "failed", "rolled-back")
# After a login prompt: until the agent must have said something, and until nothing new is to come.
SILENT_SECONDS = 120.0
SETTLE_SECONDS = 10.0
# Neither a line nor a written byte for so long, before the agent has begun: it hangs.
QUIET_SECONDS = 300.0

_LOGIN = re.compile(r"\S login:")


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a boot went wrong: a stable code, the fact, the remedy."""

    code: str
    what: str
    remedy: str


_SIGNS = (
    (
        re.compile(r"Kernel panic - not syncing"),
        Trouble(
            "kernel-panic", "The kernel gave up.", "The lines above it on the console say why."
        ),
    ),
    (
        re.compile(r"Dropping to a shell!|^\(initramfs\)"),
        Trouble(
            "no-root",
            "The initial file system found no root file system to go on with.",
            "Compare root= in cmdline.txt with the card's partitions and labels.",
        ),
    ),
    (
        re.compile(r"You are in emergency mode|Reached target .*emergency\.target"),
        Trouble(
            "emergency-mode",
            "The system went into emergency mode instead of starting.",
            "A file system or a basic service failed: look at the console lines before it.",
        ),
    ),
)
# The last words of the kernel (kernel/reboot.c) and of systemd before the board starts anew; an
# emulated board that does so at once may swallow the kernel's.
_RESTARTS = re.compile(r"reboot: Restarting system|Reached target .*reboot\.target")
MOST_RESTARTS = 5
_POWERED_OFF = Trouble(
    "node-stopped",
    "The node switched itself off before it gave a result.",
    "Look at the last console lines; a script may have asked for it.",
)
_KEEPS_RESTARTING = Trouble(
    "node-restarts",
    f"The node restarted more than {MOST_RESTARTS} times and gave no result.",
    "Look at the console lines before a restart; a script may ask for one at every boot.",
)
_SILENT = Trouble(
    "agent-silent",
    "The node started, but its agent said nothing on the card.",
    "See that the base image has the agent: rebuild it with `flasher build-base`.",
)
_HANGS = Trouble(
    "boot-hangs",
    "The node neither printed nor wrote anything for long.",
    "Look at the last console lines; if there are none, kernel and device tree do not match.",
)


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen of a booting node at one moment.

    Attributes:
        seconds: since it was switched on.
        lines: new console lines, the unfinished last one included.
        raw_status: bytes of its status file; empty while there is none.
        wrote: whether it wrote to the card since the last view.
        runs: False once the machine has ended.
    """

    seconds: float
    lines: Sequence[str] = ()
    raw_status: bytes = b""
    wrote: bool = False
    runs: bool = True


Ending = Literal["result", "cut", "outage", "login", "restart"] | Trouble
CutPower = Callable[[Status], bool]


class Watch:
    """Follows one boot, and those that the node asks for itself.

    After a ``restart`` or an ``outage`` the same watch goes on with the machine that was
    switched on anew.

    Args:
        before: bytes of the status file before it was switched on: an old result is none.
        expects_result: whether there is a payload, so that the agent must report.
        timeout_seconds: when patience ends.
        cut_power_after: told each new status; True ends the watch with ``cut``.
        outage_at: so many seconds after it was switched on, once, there is an ``outage``.
    """

    def __init__(
        self,
        before: bytes = b"",
        *,
        expects_result: bool = True,
        timeout_seconds: float,
        cut_power_after: CutPower | None = None,
        outage_at: float | None = None,
    ) -> None:
        self.status = parse_status(before)
        self._raw, self._before = before, before
        self._expects, self._timeout = expects_result, timeout_seconds
        self._cut, self._outage_at = cut_power_after, outage_at
        self._login_at: float | None = None
        self._active_at = 0.0
        self._restarting, self._restarts = False, 0

    def look(self, view: View) -> Ending | None:
        """Take in a view; gives how it ended, None while it goes on."""
        if view.lines or view.wrote:
            self._active_at = view.seconds
        if self._login_at is None and any(map(_LOGIN.search, view.lines)):
            self._login_at = view.seconds
        if any(map(_RESTARTS.search, view.lines)):
            self._restarting = True
        return (
            self._see_status(view.raw_status)
            or self._see_trouble(view)
            or self._see_outage(view)
            or self._see_rest(view)
        )

    def _see_status(self, raw: bytes) -> Ending | None:
        status = parse_status(raw)
        if status is None or raw == self._raw:
            return None
        self._raw, self.status = raw, status
        if self._cut and self._cut(status):
            return "cut"
        return "result" if status.state in FINAL else None

    def _see_trouble(self, view: View) -> Ending | None:
        for sign, trouble in _SIGNS:
            if any(map(sign.search, view.lines)):
                return trouble
        if view.runs:
            return None
        return self._see_restart() if self._restarting else _POWERED_OFF

    def _see_restart(self) -> Ending:
        self._restarting, self._login_at = False, None
        self._restarts += 1
        return "restart" if self._restarts <= MOST_RESTARTS else _KEEPS_RESTARTING

    def _see_outage(self, view: View) -> Ending | None:
        if self._outage_at is None or view.seconds < self._outage_at:
            return None
        self._outage_at, self._login_at = None, None
        return "outage"

    def _see_rest(self, view: View) -> Ending | None:
        """The ends that come by waiting."""
        since_login = view.seconds - self._login_at if self._login_at is not None else -1.0
        if since_login >= SETTLE_SECONDS and self._rests():
            return "result" if self.status else "login"
        if since_login >= SILENT_SECONDS and self.status is None:
            return _SILENT
        if view.seconds - self._active_at >= QUIET_SECONDS and self._raw == self._before:
            return _HANGS
        if view.seconds >= self._timeout:
            return _late(self._timeout, self.status)
        return None

    def _rests(self) -> bool:
        """Whether a node that has started has nothing more to tell than what it has said."""
        if self.status is None:
            return not self._expects
        return self.status.state in FINAL or (self.status.state == "waiting" and not self._expects)


def parse_status(raw: bytes) -> Status | None:
    """A status as it is read while it may be written: None unless it is whole."""
    try:
        return Status.from_json(raw) if raw else None
    except Faulty:
        return None


def _late(timeout: float, status: Status | None) -> Trouble:
    state = f"its state is {status.state}" if status else "it has said nothing on the card"
    return Trouble(
        "rehearsal-timeout",
        f"The node had {timeout:.0f} s and gave no result; {state}.",
        "Look at the last console lines, or give it longer with --timeout.",
    )
