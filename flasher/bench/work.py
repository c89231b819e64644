"""A lane at work: begun, under way, ended, or left to itself. Pure."""

from __future__ import annotations

from dataclasses import replace

from flasher.bench.cards import Step, is_free, mark_of, settle_after_work
from flasher.bench.heard import Begin, Cancel, Effect, Ended, Rearm, Told, Work
from flasher.bench.model import (
    Autopsy,
    BenchState,
    Counting,
    Failed,
    Job,
    Lane,
    NodeState,
    Offered,
    Ready,
    Stage,
    Working,
)
from flasher.bench.pace import Pace
from flasher.bench.queue import begun
from flasher.card.lanes import GRACE, PATIENCE, no_answer, silent_for
from flasher.errors import Cancelled, FlasherError
from flasher.events import Event, Noted, StepAdvanced, StepStarted
from flasher.prepare import CardResult
from flasher.rig.rigmap import Node

_STAGES: dict[str, Stage] = {"probe": "probe", "write": "write", "verify": "verify"}
_CHANGING = frozenset(("probe", "write"))
_PULLED = "card-pulled"
_NOTES_KEPT = 20


def begin(state: BenchState, heard: Begin, now: float) -> Step:
    """A card is made, or what failed is done again; only where a card is offered, or did fail."""
    lane = state.find(heard.reader)
    if lane is None or not isinstance(lane.phase, Offered | Counting | Failed | Autopsy):
        return state, ()
    if not heard.again:
        return _begin(state, lane, "make", now) if is_agreed(lane, heard.agreed) else (state, ())
    if not isinstance(lane.phase, Failed) or not is_still(lane, heard.agreed):
        return state, ()
    return _begin(state, lane, lane.memory.job, now)


def rearm(state: BenchState, heard: Rearm, now: float) -> Step:
    """A card of ours is mended."""
    lane = state.find(heard.reader)
    if lane is None or lane.drive is None or not lane.drive.node:
        return state, ()
    if not isinstance(lane.phase, Autopsy | Offered | Counting | Failed):
        return state, ()
    if not is_agreed(lane, heard.agreed):
        return state, ()
    return _begin(state, lane, "anew" if heard.new_payload else "again", now)


def is_still(lane: Lane, seen: Lane | None) -> bool:
    """Whether a lane tells of the same failure as before: its card may be pulled and put back."""
    return seen is None or (lane.phase, lane.node) == (seen.phase, seen.node)


def is_agreed(lane: Lane, seen: Lane | None) -> bool:
    """Whether neither the card nor the node is another since a person saw the lane."""
    return seen is None or (lane.memory.token, lane.node) == (seen.memory.token, seen.node)


def _begin(state: BenchState, lane: Lane, job: Job, now: float) -> Step:
    if state.paused or lane.drive is None:
        return state, ()
    if job != "make":
        lane = replace(lane, node=_its_own(state, lane))
    if lane.node is None and job == "make":
        return state, ()
    node = lane.node
    if node and state.states[node.name] is NodeState.WRITING:
        return state, ()
    memory = replace(
        lane.memory,
        token=lane.memory.token + 1,
        pulled=None,
        job=job,
        before=state.states[node.name] if node else NodeState.TODO,
        is_touched=False,
        pace=Pace(),
        moved_at=now,
        stopped_at=None,
        is_warned=False,
    )
    lane = replace(lane, phase=Working("plan" if job == "make" else "write"), memory=memory)
    if node:
        state = begun(state, node.name)
    assert lane.drive is not None
    effect = Work(lane.reader, memory.token, lane.drive, node, job)
    return state.with_lane(lane), (effect,)


def stop(state: BenchState, lane: Lane, now: float) -> Step:
    """Work shall stop."""
    phase, memory = lane.phase, lane.memory
    if not isinstance(phase, Working) or phase.stopping:
        return state, ()
    memory = replace(memory, stopped_at=now)
    lane = replace(lane, phase=replace(phase, stopping=True), memory=memory)
    return state.with_lane(lane), (Cancel(lane.reader, memory.token),)


def hear(state: BenchState, heard: Told, now: float) -> BenchState:
    """The work in a lane says something."""
    lane = state.find(heard.reader)
    phase = lane.phase if lane else None
    if lane is None or not isinstance(phase, Working) or lane.memory.token != heard.token:
        return state
    lane = replace(lane, memory=replace(lane.memory, moved_at=now, is_warned=False))
    return state.with_lane(_advanced(lane, phase, heard.event, now))


def end(state: BenchState, heard: Ended) -> Step:
    """The work in a lane ended."""
    lane = state.find(heard.reader)
    if lane is None or not isinstance(lane.phase, Working) or lane.memory.token != heard.token:
        return _late(state, heard), ()
    node, notes, outcome = lane.node, lane.phase.notes, heard.outcome
    if isinstance(outcome, CardResult):
        state = replace(state, known=state.known | {outcome.card_id})
        if node:
            state = state.with_state(node.name, NodeState.READY)
        return settle_after_work(state, replace(lane, phase=Ready(outcome, notes)))
    return _failed(state, lane, outcome, notes)


def look_after(state: BenchState, lane: Lane, now: float) -> BenchState:
    """A lane that says nothing is told of; one that does not even stop is left to itself."""
    phase, memory = lane.phase, lane.memory
    if not isinstance(phase, Working):
        return state
    if memory.stopped_at is not None:
        if now - memory.stopped_at <= GRACE:
            return state
        memory = replace(memory, token=memory.token + 1)
        error = no_answer(str(lane.drive.path) if lane.drive else lane.reader)
        return _failed(state, replace(lane, memory=memory), error, phase.notes)[0]
    if memory.is_warned or now - memory.moved_at <= PATIENCE:
        return state
    lane = replace(lane, memory=replace(memory, is_warned=True))
    return state.with_lane(_noted(lane, phase, silent_for(PATIENCE)))


def _failed(
    state: BenchState, lane: Lane, error: FlasherError, notes: tuple[str, ...]
) -> tuple[BenchState, tuple[Effect, ...]]:
    stopped, memory = isinstance(error, Cancelled), lane.memory
    if lane.node:
        # An earlier card of the node is as good as before, unless it was this one.
        stands = memory.before is not NodeState.TODO and not memory.is_touched
        after = memory.before if stopped or stands else NodeState.FAILED
        state = state.with_state(lane.node.name, after)
    is_pulled = error.code == _PULLED
    if lane.drive and not is_pulled and (mark := mark_of(lane.drive)):  # the card did not fail
        state = replace(state, known=state.known | {mark})
    if is_pulled or memory.seen is None:
        lane = replace(lane, memory=replace(memory, pulled=lane.drive))
    return settle_after_work(state, replace(lane, phase=Failed(error, notes)))


def _late(state: BenchState, heard: Ended) -> BenchState:
    """A lane that was left to itself came to a good end all the same."""
    outcome = heard.outcome
    if not isinstance(outcome, CardResult):
        return state
    state = replace(state, known=state.known | {outcome.card_id})
    name = outcome.node.name
    if state.states.get(name) in (None, NodeState.WRITING):
        return state
    return state.with_state(name, NodeState.READY)


def _its_own(state: BenchState, lane: Lane) -> Node | None:
    """The node whose card is in a lane, if it is one of this rig and in no other lane's hands."""
    name = lane.phase.report.node if isinstance(lane.phase, Autopsy) else None
    name = name or (lane.drive.node if lane.drive else "")
    node = next((node for node in state.nodes if node.name == name), None)
    return node if node and is_free(state, lane, node.name) else None


def _advanced(lane: Lane, phase: Working, event: Event, now: float) -> Lane:
    match event:
        case StepStarted(step=name, total=total, unit="bytes"):
            stage = _STAGES.get(name, phase.stage)
            fresh = Working(stage, 0, total, notes=phase.notes, stopping=phase.stopping)
            touched = lane.memory.is_touched or name in _CHANGING
            memory = replace(lane.memory, pace=Pace().reach(now, 0), is_touched=touched)
            return replace(lane, phase=fresh, memory=memory)
        case StepAdvanced(done=done, total=total):
            pace = lane.memory.pace.reach(now, done)
            moved = replace(
                phase,
                done=done,
                total=total,
                speed=pace.speed,
                seconds_left=pace.seconds_left(total),
            )
            return replace(lane, phase=moved, memory=replace(lane.memory, pace=pace))
        case Noted(text=text, warning=True):
            return _noted(lane, phase, text)
    return lane


def _noted(lane: Lane, phase: Working, text: str) -> Lane:
    return replace(lane, phase=replace(phase, notes=(*phase.notes, text)[-_NOTES_KEPT:]))
