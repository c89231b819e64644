"""The image's own packages in a pass of the updater: once a day, in the node's turn."""

from __future__ import annotations

import time

from autosetup.questions import last_said
from autosetup.run import Tools
from autosetup.status import Warned, with_warning
from autosetup.this_node import alone
from autosetup.update import system_packages
from autosetup.update.here import Ground
from autosetup.update.one_pass import Pass
from autosetup.update.turns import Lease
from autosetup.update_state import Updating


def bring_packages(at: Pass) -> None:
    """Take what is newer, where the payload says so, it is time, and it is the node's turn.

    Raises:
        AgentError: ``capturing``, ``no-updates``, and what `system_packages` says.
    """
    ground = at.ground()
    stamp, which = ground.folder / "packages-at", ground.update.packages
    if which == "none" or not system_packages.is_due(stamp, time.time()):
        return
    lease = _lease(at, ground)
    if lease is None:
        return
    system, log = at.tools.system, at.tools.outlets.log
    with at.no_capture(ground.generation, lease), alone():
        at.tell(Updating("applying", generation=ground.generation))
        taken = system_packages.bring_up_to_date(system, which, ground.mirror, stamp)
        for newer in taken:
            log(f"Brought up to date: {newer.name} {newer.version}.")
        if warned := system_packages.restart_asked(system, taken):
            _warn(at.tools, warned.code, warned)
        if taken:
            unwell = system_packages.complaint(at.tools, ground.generation)
            _warn(at.tools, system_packages.UNHEALTHY, unwell)
    at.tell(Updating("idle"))


def _lease(at: Pass, ground: Ground) -> Lease | None:
    """None where it is not the node's turn before the next pass."""
    if at.is_held(ground.generation):
        return None
    while True:
        turn, lease = at.ask(ground, ground.generation)
        if lease or not at.rests(turn.seconds):
            return lease


def _warn(tools: Tools, code: str, warned: Warned | None) -> None:
    """Tell people of it; None takes back what was told."""
    if warned:
        tools.outlets.log(warned.reason)
    if now := last_said():
        tools.outlets.repeat(with_warning(now, code, warned))
