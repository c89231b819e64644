"""The bench at work: drives are watched, and each reader's card is made in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Condition, Event, Lock, Thread

from flasher.bench.doing import Doing
from flasher.bench.heard import (
    Begin,
    Cancel,
    Choose,
    Delay,
    Effect,
    Ended,
    Heard,
    Look,
    Looked,
    Rearm,
    SetAuto,
    SetNodeState,
    SetPaused,
    Skip,
    Stop,
    Tick,
    Told,
    Work,
)
from flasher.bench.looking import look_inside
from flasher.bench.model import BenchState, Lane, NodeState
from flasher.bench.queue import state_from
from flasher.bench.reduce import reduce
from flasher.bench.watching import watch_on
from flasher.card import lanes
from flasher.card.inspect import card_id_on
from flasher.card.making import Making
from flasher.drives.lost import LostFiles, lost_on
from flasher.drives.model import DriveCatalog
from flasher.drives.watch import Signal
from flasher.errors import FlasherError
from flasher.events import CancelFlag
from flasher.image.source import ImageFile
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import RigMap
from flasher.rig.twins import before_overwriting

_TICK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class BenchPorts:
    """The world around a bench.

    Attributes:
        catalog: where drives are looked up.
        signal: opens what tells that it is time to look again.
        ledger: where cards are recorded.
        making: how cards are made.
        now: the time of day, UTC.
        ticks: seconds from any beginning; the clock of count-downs and speeds.
    """

    catalog: DriveCatalog
    signal: Callable[[], Signal]
    ledger: Ledger
    making: Making
    now: Callable[[], datetime]
    ticks: Callable[[], float] = time.monotonic


class BenchRunner:
    """A bench at work. Every command may be given from any thread, and returns at once.

    What cannot be done as things are (a card begun while the bench is paused, a reader that is not
    there) changes nothing.

    Args:
        ports: the world.
        rig: whose cards are made.
        image: the base image now; None while it is being opened, or why it cannot be.
        on_change: told of each new state, from any thread, one call at a time, never of an older
            one after a newer one; some ten times a second for each lane at most. It must
            neither wait for another thread nor raise.

    Raises:
        FlasherError: ``ledger-unusable``, ``ledger-newer``.
    """

    def __init__(
        self,
        ports: BenchPorts,
        rig: RigMap,
        image: Callable[[], ImageFile | FlasherError | None],
        *,
        on_change: Callable[[BenchState], None],
    ) -> None:
        self._ports, self._rig, self._image, self._on_change = ports, rig, image, on_change
        self._doing = Doing(rig, ports.ledger, ports.making, image, ports.now)
        states = state_from(ports.ledger.entries(), rig)
        self._state = self._told = BenchState(rig.nodes, states)
        self._changed = Condition(Lock())
        self._telling = Lock()
        self._flags: dict[tuple[str, int], CancelFlag] = {}
        self._closed = CancelFlag()
        self._nudged = Event()
        self._threads: list[Thread] = []

    @property
    def state(self) -> BenchState:
        """The bench now."""
        return self._state

    def start(self) -> None:
        """Begin to watch the drives."""
        self._threads = [_thread(self._watch, "watch"), _thread(self._tick, "tick")]

    def close(self) -> None:
        """Stop watching, and start nothing any more; cards that are being made go on."""
        self._hear(SetPaused(on=True))
        self._closed.set()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no card is being made; False where that took longer (seconds)."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._state.is_busy, timeout)

    def wait_closed(self, timeout: float) -> bool:
        """Wait until a closed bench watches no more; False where that took longer (seconds)."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def begin(self, reader: str, agreed: Lane | None = None) -> None:
        """Make the lane's node on the card in it: the person said yes. Not while it is paused.

        Args:
            agreed: the lane as the person saw it: nothing begins if another card is in it by now,
                or if it is for another node.
        """
        self._hear(Begin(reader, agreed=agreed))

    def retry(self, reader: str, agreed: Lane | None = None) -> None:
        """Do what failed in a lane again; what is right on the card is kept.

        Args:
            agreed: the lane as the person saw it: nothing begins if it tells of something else.
        """
        self._hear(Begin(reader, again=True, agreed=agreed))

    def stop(self, reader: str) -> None:
        """Stop a card that is being made; it can be gone on with by `retry`."""
        self._hear(Stop(reader))

    def stop_all(self) -> None:
        """Stop all cards that are being made."""
        self._hear(Stop(None))

    def delay(self, reader: str) -> None:
        """Let the card in a reader not start by itself."""
        self._hear(Delay(reader))

    def skip(self, name: str) -> None:
        """Put a node after all others."""
        self._hear(Skip(name))

    def choose(self, name: str) -> None:
        """Put a node before all others, also one whose card is made already."""
        self._hear(Choose(name))

    def set_auto(self, on: bool) -> None:
        """Whether blank cards and cards of ours start by themselves."""
        self._hear(SetAuto(on))

    def set_paused(self, on: bool) -> None:
        """Whether nothing new starts."""
        self._hear(SetPaused(on))

    def look_again(self) -> None:
        """Look at the drives, within a second."""
        self._nudged.set()

    def rearm(self, reader: str, new_payload: bool, agreed: Lane | None = None) -> None:
        """Let a node that failed try again: with what its card carries, or a new payload.

        Args:
            agreed: the lane as the person saw it, as for `begin`.
        """
        self._hear(Rearm(reader, new_payload, agreed))

    def set_node_state(self, name: str, state: NodeState) -> None:
        """Tell of a node that was rehearsed, or seen alive, elsewhere."""
        self._hear(SetNodeState(name, state))

    def warnings(self, reader: str) -> tuple[str, ...]:
        """What speaks against making the lane's card: reads the card and the ledger, takes time.

        Raises:
            FlasherError: ``ledger-unusable``, ``ledger-newer``.
        """
        lane = self._state.find(reader)
        if lane is None or lane.drive is None or lane.node is None:
            return ()
        entries, on_card = self._ports.ledger.entries(), card_id_on(lane.drive.path)
        site, now = self._rig.site.name, self._ports.now()
        return before_overwriting(entries, lane.node.name, site, now, on_card)

    def lost(self, reader: str) -> tuple[LostFiles, ...]:
        """Whose files would be lost on the lane's card; takes a second or two.

        Of a card of ours only what others put there: that it is a node's, `warnings` say.
        """
        lane = self._state.find(reader)
        return lost_on(lane.drive) if lane and lane.drive else ()

    def _hear(self, heard: Heard) -> None:
        """Go on to the next state, and have done what it asks for."""
        with self._changed:
            state, effects = reduce(self._state, heard, self._ports.ticks())
            if self._closed.is_set() and any(isinstance(each, Work) for each in effects):
                return  # a person was faster than the closing
            self._state = state
            for effect in effects:
                self._do(effect)
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        """One call at a time, and always the newest: who comes meanwhile leaves it to the other."""
        while self._told is not self._state and self._telling.acquire(blocking=False):
            try:
                if self._told is not (state := self._state):
                    self._told = state
                    self._on_change(state)
            finally:
                self._telling.release()

    def _do(self, effect: Effect) -> None:
        match effect:
            case Work(reader, token):
                cancel = self._flags[reader, token] = CancelFlag()
                _thread(lambda: self._work(effect, cancel), f"card in {reader}")
            case Cancel(reader, token):
                if flag := self._flags.get((reader, token)):
                    flag.set()
            case Look():
                _thread(lambda: self._look(effect), f"look into {effect.reader}")

    def _work(self, work: Work, cancel: CancelFlag) -> None:
        reader, token = work.reader, work.token
        lane = lanes.Lane(str(work.drive.path), lambda emit: self._doing.do(work, emit, cancel))
        outcome = lanes.outcome_of(lane, lambda event: self._hear(Told(reader, token, event)))
        self._flags.pop((reader, token), None)
        self._hear(Ended(reader, token, outcome))

    def _look(self, look: Look) -> None:
        found = look_inside(look.drive, self._rig, self._ports.ledger)
        self._hear(Looked(look.reader, look.token, found))

    def _watch(self) -> None:
        ports = self._ports
        watch_on(ports.catalog, ports.signal, self._nudged, self._closed, self._hear)

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_SECONDS) or self._state.is_busy:
            if self._closed.is_set():  # who does not stop is left to itself, also now
                time.sleep(_TICK_SECONDS)
            image = self._image()
            self._hear(Tick(image.size if isinstance(image, ImageFile) else None))


def _thread(work: Callable[[], None], name: str) -> Thread:
    """None holds up the end of the program."""
    thread = Thread(target=work, name=f"bench: {name}", daemon=True)
    thread.start()
    return thread
