"""One pass of the updater: what there is, whether the node may have it now, and how it gets it.

Withdrawn? Newer? Not paused, nobody captures, and it is this node's turn? Then all of it is fetched
and verified before anything is changed: first a newer agent, then the payload, which the agent
applies as any other, with its health check and its way back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from autosetup import card_keys
from autosetup.agent import Agent
from autosetup.agent_package import read_agent
from autosetup.agents import agents_of
from autosetup.counting import Sequence, begin
from autosetup.errors import AgentError
from autosetup.generations import has_way_back, stage_payload, take_back
from autosetup.outlets import utc_now
from autosetup.questions import last_said
from autosetup.rollout_plan import RolloutPlan
from autosetup.run import Tools
from autosetup.status import Status, Warned, with_warning
from autosetup.this_node import alone
from autosetup.update import system_packages
from autosetup.update.capture import no_capture
from autosetup.update.givers import givers
from autosetup.update.here import Ground, ground_of
from autosetup.update.look import Found, Sources, looking
from autosetup.update.sources import sources
from autosetup.update.turns import Asking, Lease, Turn
from autosetup.update_state import Doing, Updating, tell

LAUNCHER = "/usr/bin/autosetup"
_TURNS = "turns"
# A run of the new agent ends by itself where nothing is to be applied; its launcher sees to that.
_TRIAL_SECONDS = 3600
_SHORTEST_WAIT = 1.0
# A server that gives turns may come back before the plan's own time.
_LONGEST_WAIT = 300.0
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
    _until: float = 0
    _source: str = field(default="", init=False)
    _found: Found | None = field(default=None, init=False)
    _sequence: Sequence | None = field(default=None, init=False)
    _is_replaced: bool = field(default=False, init=False)

    def run(self) -> Status | None:
        """One pass; gives what the node came to, or None where nothing was applied.

        Raises:
            AgentError, Faulty: why nothing was applied; it is told already, see `update_state`.
        """
        try:
            status = self._take_release()
            if status is None:
                self._bring_packages()
            return status
        except AgentError as error:
            self._tell_of(error)
            raise
        except Exception as error:
            self._tell(Updating("refused", reason=str(error)))
            raise

    def _take_release(self) -> Status | None:
        try:
            return self._look_and_act()
        except AgentError as error:
            if error.code not in _NO_PACKAGES_EITHER:
                self._tell_of(error)
                self._bring_packages_all_the_same()
            raise

    def _look_and_act(self) -> Status | None:
        ground = self._ground()
        patience = ground.update.every_minutes * 60 if self.patience is None else self.patience
        self._until = time.monotonic() + patience
        while True:
            with looking(ground, self.asked) as found:
                self._source, self._found = found.store.name, found
                status, wait = self._act(found)
            if self._is_replaced:
                self.restart()  # not before: a stick would stay mounted
            if wait is None or time.monotonic() + wait > self._until:
                return status
            self.pause(min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT))
            ground = self._ground()

    def _act(self, found: Found) -> tuple[Status | None, float | None]:
        """What the node came to, and after how many seconds to look again; None for not at all."""
        if found.takes_back and (has_way_back(self.tools) or not found.is_newer):
            status = self._go_back(found)
            return status, 0 if status.state == "rolled-back" else None
        if not found.is_newer and not found.newer_agent:
            self._tell(Updating("idle"))
            return None, None
        wanted = _wanted(found)
        if self._is_held(found.plan, wanted):
            return None, None
        turn, lease = self._ask(found.ground, wanted)
        return (self._bring(found, lease), None) if lease else (None, turn.seconds)

    def _is_held(self, plan: RolloutPlan | None, wanted: int) -> bool:
        """Whether the site lets nobody begin; why is told."""
        if plan is None or plan.lets_begin(wanted):
            return False
        withdrawn = f"Generation {wanted} was taken back by the site."
        self._wait(wanted, "The rollout is paused." if plan.paused else withdrawn)
        return True

    def _ask(self, ground: Ground, wanted: int) -> tuple[Turn, Lease | None]:
        """The node's turn to have a generation; a lease where it was granted."""
        with self._no_capture(wanted):
            pass  # a turn that is not used would keep others from theirs
        plan = self._found.plan if self._found else None
        turn = self._asking(ground).ask(wanted, plan)
        if turn.granted:
            return turn, Lease(turn.seconds, lambda: self._asking(ground).ask(wanted, plan))
        self._wait(wanted, turn.why)
        return turn, None

    def _bring(self, found: Found, lease: Lease) -> Status | None:
        """Fetch all, then change the node."""
        wanted, version = _wanted(found), found.newer_agent

        def progress(number: int, count: int) -> None:
            lease.keep()
            self._tell(Updating("fetching", number, count, wanted))

        raw = found.payload(progress) if found.is_newer else None
        package = found.fetch_agent().read_bytes() if version else b""
        with self._no_capture(wanted, lease):
            self._tell(Updating("applying", generation=wanted))
            self._is_replaced = bool(version) and self._change_agent(version, package)
            if self._is_replaced:
                return None
            return self._apply(found, raw) if raw else None

    def _apply(self, found: Found, raw: dict[str, bytes]) -> Status:
        with alone():
            stage_payload(self.tools, raw)
            found.forget()
            status = Agent(self.tools).run()
        self._tell(Updating("idle", generation=status.generation))
        return status

    def _go_back(self, found: Found) -> Status:
        with self._no_capture(found.ground.generation), alone():
            self._tell(Updating("applying", generation=found.ground.generation))
            take_back(self.tools, "by the site that released it")
            status = Agent(self.tools).run()
        self._tell(Updating("idle", generation=status.generation))
        return status

    def _bring_packages_all_the_same(self) -> None:
        """Without a release; what keeps the packages away is the smaller trouble then."""
        try:
            self._bring_packages()
        except AgentError as error:
            self.tools.outlets.log(f"The image's packages stay as they are: {error}")

    def _bring_packages(self) -> None:
        """The image's own packages, once a day, where the payload says so, in the node's turn."""
        ground = self._ground()
        stamp = ground.folder / "packages-at"
        which = ground.update.packages
        if which == "none" or not system_packages.is_due(stamp, time.time()):
            return
        lease = self._lease_for_packages(ground)
        if lease is None:
            return
        with self._no_capture(ground.generation, lease), alone():
            self._tell(Updating("applying", generation=ground.generation))
            taken = system_packages.bring_up_to_date(self.tools.system, which, ground.mirror, stamp)
            for newer in taken:
                self.tools.outlets.log(f"Brought up to date: {newer.name} {newer.version}.")
            if warned := system_packages.restart_asked(self.tools.system, taken):
                self._warn(warned.code, warned)
            if taken:
                unwell = system_packages.complaint(self.tools, ground.generation)
                self._warn(system_packages.UNHEALTHY, unwell)
        self._tell(Updating("idle"))

    def _lease_for_packages(self, ground: Ground) -> Lease | None:
        """None where it is not the node's turn before the next pass."""
        plan = self._found.plan if self._found else None
        if self._is_held(plan, ground.generation):
            return None
        while True:
            turn, lease = self._ask(ground, ground.generation)
            if lease or time.monotonic() + turn.seconds > self._until:
                return lease
            self.pause(min(max(turn.seconds, _SHORTEST_WAIT), _LONGEST_WAIT))

    def _warn(self, code: str, warned: Warned | None) -> None:
        """Tell people of it; None takes back what was told."""
        if warned:
            self.tools.outlets.log(warned.reason)
        if now := last_said():
            self.tools.outlets.repeat(with_warning(now, code, warned))

    def _change_agent(self, version: str, package: bytes) -> bool:
        """Put a newer agent on trial; whether it is good. Without it, the update goes on."""
        agents, log = agents_of(self.tools.system), self.tools.outlets.log
        try:
            if agents.current() != version:
                agents.put(version, read_agent(package, version))
                agents.want(version)
        except AgentError as error:
            if error.code != "agent-refused":
                raise
            agents.give_up(version, error.reason)
            log(f"{error}")
            return False
        self.tools.system.run([LAUNCHER, "run"], seconds=_TRIAL_SECONDS)
        is_good = agents.current() == version and not agents.is_on_trial(version)
        log(f"The agent {version} {'is good' if is_good else 'did not prove itself'}.")
        if is_good and self.tools.system.booted:
            self.tools.system.run(["systemctl", "try-restart", "autosetup-report.service"])
        return is_good

    def _tell_of(self, error: AgentError) -> None:
        doing: Doing = "waiting" if error.code == "capturing" else "refused"
        self._tell(Updating(doing, code=error.code, reason=f"{error.reason} {error.hint}"))

    def _wait(self, generation: int, why: str) -> None:
        self._tell(Updating("waiting", generation=generation, reason=why))

    def _no_capture(
        self, generation: int, lease: Lease | None = None
    ) -> AbstractContextManager[None]:
        """Within it nobody captures; see `no_capture`."""

        def pause(seconds: float) -> None:
            if lease:
                lease.keep()
            self._wait(generation, "The scanner's software captures.")
            self.pause(seconds)

        seconds = max(0.0, self._until - time.monotonic())
        return no_capture(self.tools.system, seconds, pause)

    def _asking(self, ground: Ground) -> Asking:
        return Asking(
            ground.card_id,
            card_keys.load(self.tools.journal.folder, ground.card_id).report_key,
            givers(ground.system, ground.update, self._found.store if self._found else None),
            ground.update.authority,
            self._numbers,
        )

    def _numbers(self) -> Sequence:
        """One for as long as this runs: to begin one costs the card a write."""
        if self._sequence is None:
            self._sequence = begin(self.tools.journal.folder, _TURNS)
        return self._sequence

    def _ground(self) -> Ground:
        return ground_of(self.tools)

    def _tell(self, updating: Updating) -> None:
        tell(self.tools.system, replace(updating, source=self._source, at=utc_now()))


def _wanted(found: Found) -> int:
    """The generation that the node is to go to, or that it has or had, unless it was taken back."""
    if found.letter and found.is_newer:
        return found.letter.told.generation
    newest = found.ground.newest
    return found.ground.generation if found.plan and found.plan.takes_back(newest) else newest
