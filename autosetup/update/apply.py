"""One pass of the updater: what there is, whether the node may have it now, and how it gets it.

Withdrawn? Newer? Not paused, nobody captures, and it is this node's turn? Then all of it is fetched
and verified before anything is changed: first a newer agent, then the payload, which the agent
applies as any other, with its health check and its way back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from autosetup.agent import Agent
from autosetup.errors import AgentError
from autosetup.generations import has_way_back, stage_payload, take_back
from autosetup.run import Tools
from autosetup.status import Status
from autosetup.this_node import alone
from autosetup.update.found import Found
from autosetup.update.look import Sources, looking
from autosetup.update.new_agent import LAUNCHER, change_agent
from autosetup.update.one_pass import Pass
from autosetup.update.packages_in_turn import bring_packages
from autosetup.update.sources import sources
from autosetup.update.turns import Lease
from autosetup.update_state import Updating

# Else the image's packages come whatever the repository is like: their archives are others.
_NO_PACKAGES_EITHER = ("capturing", "no-updates")


def _become_the_new_agent() -> None:
    os.execv(LAUNCHER, [LAUNCHER, "update"])  # noqa: S606


@dataclass(slots=True)
class Updater:
    """Brings one node up to date.

    Attributes:
        tools: of the node.
        asked: the sources, in order.
        pause: waits for some seconds.
        restart: goes on as the agent that counts by now.
        patience: seconds for which a pass waits for its turn, or for the end of a capture; None
            for as long as it is until the next pass.
    """

    tools: Tools
    asked: Sources = sources
    pause: Callable[[float], None] = time.sleep
    restart: Callable[[], None] = _become_the_new_agent
    patience: float | None = None
    _at: Pass = field(init=False)
    _is_replaced: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._at = Pass(self.tools, self.pause)

    def run(self) -> Status | None:
        """One pass; gives what the node came to, or None where nothing was applied.

        Raises:
            AgentError, Faulty: why nothing was applied; it is told already, see `update_state`.
        """
        try:
            status = self._take_release()
            if status is None:
                bring_packages(self._at)
            return status
        except AgentError as error:
            self._at.tell_of(error)
            raise
        except Exception as error:
            self._at.tell(Updating("refused", reason=str(error)))
            raise

    def _take_release(self) -> Status | None:
        try:
            return self._look_and_act()
        except AgentError as error:
            if error.code not in _NO_PACKAGES_EITHER:
                self._at.tell_of(error)
                self._bring_packages_all_the_same()
            raise

    def _bring_packages_all_the_same(self) -> None:
        """Without a release; what keeps the packages away is the smaller trouble then."""
        try:
            bring_packages(self._at)
        except AgentError as error:
            self.tools.outlets.log(f"The image's packages stay as they are: {error}")

    def _look_and_act(self) -> Status | None:
        ground = self._at.ground()
        patience = ground.update.every_minutes * 60 if self.patience is None else self.patience
        self._at.until = time.monotonic() + patience
        while True:
            with looking(ground, self.asked) as found:
                self._at.found = found
                status, wait = self._act(found)
            if self._is_replaced:
                self.restart()  # not before: a stick would stay mounted
            if wait is None or not self._at.rests(wait):
                return status
            ground = self._at.ground()

    def _act(self, found: Found) -> tuple[Status | None, float | None]:
        """What the node came to, and after how many seconds to look again; None for not at all."""
        if found.takes_back and (has_way_back(self.tools) or not found.is_newer):
            status = self._go_back(found)
            return status, 0 if status.state == "rolled-back" else None
        if not found.is_newer and not found.newer_agent:
            self._at.tell(Updating("idle"))
            return None, None
        wanted = _wanted(found)
        if self._at.is_held(wanted):
            return None, None
        turn, lease = self._at.ask(found.ground, wanted)
        return (self._bring(found, lease), None) if lease else (None, turn.seconds)

    def _bring(self, found: Found, lease: Lease) -> Status | None:
        """Fetch all, then change the node."""
        wanted, version = _wanted(found), found.newer_agent

        def progress(number: int, count: int) -> None:
            lease.keep()
            self._at.tell(Updating("fetching", number, count, wanted))

        if found.is_newer:
            found.fetch(progress)
        package = found.fetch_agent().read_bytes() if version else b""
        with self._at.no_capture(wanted, lease):
            self._at.tell(Updating("applying", generation=wanted))
            self._is_replaced = bool(version) and change_agent(self.tools, version, package)
            if self._is_replaced:
                return None
            return self._apply(found) if found.is_newer else None

    def _apply(self, found: Found) -> Status:
        with alone():
            stage_payload(self.tools, found.payload())
            found.forget()
            status = Agent(self.tools).run()
        self._at.tell(Updating("idle", generation=status.generation))
        return status

    def _go_back(self, found: Found) -> Status:
        with self._at.no_capture(found.ground.generation), alone():
            self._at.tell(Updating("applying", generation=found.ground.generation))
            take_back(self.tools, "by the site that released it")
            status = Agent(self.tools).run()
        self._at.tell(Updating("idle", generation=status.generation))
        return status


def _wanted(found: Found) -> int:
    """The generation that the node is to go to, or that it has or had, unless it was taken back."""
    if found.letter and found.is_newer:
        return found.letter.told.generation
    newest = found.ground.newest
    return found.ground.generation if found.plan and found.plan.takes_back(newest) else newest
