"""What a bench is at one moment: the queue of nodes, and a lane for each reader. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from flasher.bench.node_state import NodeState as NodeState
from flasher.bench.pace import Pace
from flasher.card.advice import Advice
from flasher.card.inspect import CardReport
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.prepare import CardResult
from flasher.rig.rigmap import Node

Stage = Literal["plan", "wipe", "probe", "write", "verify"]
# What a card in a reader holds, as far as it matters for starting: nothing; a card of ours that may
# be made anew; a card of ours that is in use or was made just now; somebody's data.
Holding = Literal["blank", "own", "made", "foreign"]
# What can be done to a card: made, or mended: its payload tried again, or replaced by a new one.
Job = Literal["make", "again", "anew"]


@dataclass(frozen=True, slots=True)
class Empty:
    """No card is in the reader."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The card is never written, or not from here; `why` is one phrase."""

    why: str


@dataclass(frozen=True, slots=True)
class Offered:
    """The card may be written, as soon as a person says so."""

    holding: Holding


@dataclass(frozen=True, slots=True)
class Counting:
    """The card will be written by itself at `starts_at` (seconds of the bench's clock)."""

    starts_at: float


@dataclass(frozen=True, slots=True)
class Working:
    """The card is being made.

    Attributes:
        stage: what is being done.
        done, total: bytes of this stage; total None where it is not known yet.
        speed: bytes a second over the last seconds; None where it is not known yet.
        seconds_left: of this stage; None where it is not known yet.
        notes: warnings, oldest first.
        stopping: whether it was told to stop.
    """

    stage: Stage
    done: int = 0
    total: int | None = None
    speed: float | None = None
    seconds_left: float | None = None
    notes: tuple[str, ...] = ()
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """The card is made, proven and let go: it is to be taken out and labelled."""

    result: CardResult
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The card could not be made."""

    error: FlasherError
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Autopsy:
    """The card comes from a node that failed: what it says, and what to do."""

    report: CardReport
    advice: Advice


Phase = Empty | Refused | Offered | Counting | Working | Ready | Failed | Autopsy


@dataclass(frozen=True, slots=True)
class LaneMemory:
    """What the bench itself keeps of a reader; screens have no use for it.

    Attributes:
        token: number of the latest work or look; what an earlier one says is not heard.
        seen: the drive as it was listed last, None while it is away; while its card is made, and
            after that was ejected, the lane's own is another.
        is_used: whether a card was in it at this bench.
        holding: what the card holds; None where there is none, or none that may be written.
        is_held: whether this card must not start by itself.
        becomes: name of the node whose card was begun on it and never ended; empty for none.
        pulled: the card that was pulled out while it was made, and is waited for.
        job: what is done to the card, or was when it failed.
        before: how far the node was before its card was begun.
        is_touched: whether the work has begun to change the card.
        pace: of the stage.
        moved_at, stopped_at: when the work last said something, and when it was told to stop.
        is_warned: whether a person heard that the work says nothing.
    """

    token: int = 0
    seen: Drive | None = None
    is_used: bool = False
    holding: Holding | None = None
    is_held: bool = False
    becomes: str = ""
    pulled: Drive | None = None
    job: Job = "make"
    before: NodeState = NodeState.TODO
    is_touched: bool = False
    pace: Pace = field(default_factory=Pace)
    moved_at: float = 0.0
    stopped_at: float | None = None
    is_warned: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """One reader.

    Attributes:
        reader: what it is known by; the same whichever card is in it.
        drive: the card in it; None where there is none.
        node: whose card is made in it, or would be; None where no node is left.
        memory: the bench's own; two lanes that differ in nothing else look the same.
    """

    reader: str
    drive: Drive | None = None
    node: Node | None = None
    phase: Phase = field(default_factory=Empty)
    memory: LaneMemory = field(default_factory=LaneMemory, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BenchState:
    """The whole bench at one moment.

    Attributes:
        nodes: of the rig, in the order in which cards are made.
        states: by node name, for every node.
        lanes: in the order in which their readers were seen first.
        chosen: names of nodes that a person wants next, before all others; they may be ready.
        skipped: names of nodes that come after all others.
        auto: whether blank cards and cards of ours start by themselves.
        paused: whether nothing new starts.
        trouble: why the readers cannot be looked at; None where they can.
        image_size: bytes that a card must have; None where there is no image yet.
        known: marks of cards that must not start by themselves any more: those that were made at
            this bench, and those that failed at it or were stopped.
    """

    nodes: tuple[Node, ...]
    states: Mapping[str, NodeState]
    lanes: tuple[Lane, ...] = ()
    chosen: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    auto: bool = False
    paused: bool = False
    trouble: FlasherError | None = None
    image_size: int | None = None
    known: frozenset[str] = frozenset()

    def lane(self, reader: str) -> Lane:
        """The lane of a reader that has been seen; raises `KeyError` for others."""
        if (lane := self.find(reader)) is None:
            raise KeyError(reader)
        return lane

    def find(self, reader: str) -> Lane | None:
        """The same, and None for others."""
        return next((lane for lane in self.lanes if lane.reader == reader), None)

    def with_lane(self, lane: Lane) -> BenchState:
        """The same with a lane in place of its reader's, or after all others."""
        if self.find(lane.reader) is None:
            return replace(self, lanes=(*self.lanes, lane))
        lanes = tuple(lane if each.reader == lane.reader else each for each in self.lanes)
        return replace(self, lanes=lanes)

    def with_state(self, name: str, state: NodeState) -> BenchState:
        """The same with a node in another state; the rig's nodes only."""
        if self.states.get(name, state) is state:
            return self
        return replace(self, states={**self.states, name: state})

    @property
    def is_busy(self) -> bool:
        """Whether a card is being made."""
        return any(isinstance(lane.phase, Working) for lane in self.lanes)

    def count(self, state: NodeState) -> int:
        """How many nodes are in this state."""
        return sum(found is state for found in self.states.values())
