"""The bench as a reducer: a state and what was heard give the next state, and what to do. Pure.

docs/adr says why (the bench is a reducer).
"""

from __future__ import annotations

from dataclasses import replace

from flasher.bench import cards, queue, work
from flasher.bench.cards import Step
from flasher.bench.heard import (
    Begin,
    Choose,
    Delay,
    Effect,
    Ended,
    Heard,
    Looked,
    Rearm,
    SetAuto,
    SetNodeState,
    SetPaused,
    Skip,
    Stop,
    Tick,
    Told,
    Watched,
)
from flasher.bench.model import BenchState, Counting, Lane, NodeState, Offered
from flasher.drives.model import may_start_by_itself
from flasher.drives.watch import Appeared, Changed, Gone

# Seconds in which a person can still say no.
COUNT_DOWN = 5.0


def reduce(state: BenchState, heard: Heard, now: float) -> Step:
    """The next state, and what is to be done.

    Args:
        state: as it is.
        heard: what happened, or was asked for; what cannot be done as things are changes nothing.
        now: seconds of the bench's clock; never less than before.
    """
    if isinstance(heard, Told):  # ten times a second for each lane, and the queue stays as it is
        return work.hear(state, heard, now), ()
    state, effects = _hear(state, heard, now)
    return _settle(state, now), effects


def _hear(state: BenchState, heard: Heard, now: float) -> Step:
    match heard:
        case Appeared() | Gone() | Changed():
            return cards.see(state, heard)
        case Looked():
            return cards.hear_look(state, heard)
        case Ended():
            return work.end(state, heard)
        case Tick():
            return _tick(state, heard, now)
        case Begin():
            return work.begin(state, heard, now)
        case Rearm():
            return work.rearm(state, heard, now)
        case Stop():
            return _stop(state, heard, now)
    return _told(state, heard), ()


def _told(state: BenchState, heard: Heard) -> BenchState:
    """What changes the state and nothing else."""
    match heard:
        case Watched(trouble):
            return replace(state, trouble=trouble)
        case Delay(reader):
            return _held(state, reader)
        case Skip(name):
            return queue.skip(state, name)
        case Choose(name):
            return queue.choose(state, name)
        case SetAuto(on):
            return replace(state, auto=on)
        case SetPaused(on):
            return replace(state, paused=on)
        case SetNodeState(name, node_state):
            busy = state.states.get(name) in (None, NodeState.WRITING)
            return state if busy else state.with_state(name, node_state)
    return state


def _tick(state: BenchState, tick: Tick, now: float) -> Step:
    if tick.image_size != state.image_size:
        state = replace(state, image_size=tick.image_size)
    effects: tuple[Effect, ...] = ()
    for reader in [lane.reader for lane in state.lanes]:
        state = work.look_after(state, state.lane(reader), now)
        phase = state.lane(reader).phase
        if isinstance(phase, Counting) and phase.starts_at <= now:
            state = _settle(state, now)  # what came before may have taken its node
            if isinstance(state.lane(reader).phase, Counting):
                state, begun = work.begin(state, Begin(reader), now)
                effects += begun
    return state, effects


def _stop(state: BenchState, heard: Stop, now: float) -> Step:
    effects: tuple[Effect, ...] = ()
    for lane in state.lanes:
        if heard.reader in (None, lane.reader):
            state, told = work.stop(state, lane, now)
            effects += told
    return state, effects


def _held(state: BenchState, reader: str) -> BenchState:
    lane = state.find(reader)
    if lane is None or lane.drive is None:
        return state
    return state.with_lane(replace(lane, memory=replace(lane.memory, is_held=True)))


def _settle(state: BenchState, now: float) -> BenchState:
    """Nodes for the lanes that wait; count-downs for those that may start by themselves."""
    for lane in state.lanes:
        measured = cards.measured(lane, state.image_size or 0)
        if measured is not lane:
            state = state.with_lane(measured)
    state = queue.assign(state)
    for lane in state.lanes:
        settled = _count_down(state, lane, now)
        if settled is not lane:
            state = state.with_lane(settled)
    return state


def _count_down(state: BenchState, lane: Lane, now: float) -> Lane:
    may_start = _may_start(state, lane)
    if may_start and isinstance(lane.phase, Offered):
        return replace(lane, phase=Counting(now + COUNT_DOWN))
    if not may_start and isinstance(lane.phase, Counting):
        return replace(lane, phase=Offered(lane.memory.holding or "foreign"))
    return lane


def _may_start(state: BenchState, lane: Lane) -> bool:
    """Whether a card may start without a person, now."""
    drive, holding = lane.drive, lane.memory.holding
    if drive is None or lane.node is None or lane.memory.is_held:
        return False
    wanted = state.auto and not state.paused and state.image_size is not None
    is_own = holding == "own"
    return wanted and (is_own or holding == "blank") and may_start_by_itself(drive, is_ours=is_own)
