"""Whatever happens at a bench, in whatever order, its promises hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flasher.bench.heard import (
    Begin,
    Choose,
    Delay,
    Ended,
    Found,
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
from flasher.bench.model import (
    Autopsy,
    Counting,
    Empty,
    Failed,
    Lane,
    NodeState,
    Offered,
    Ready,
    Refused,
    Working,
)
from flasher.bench.queue import in_order
from flasher.card.advice import Advice
from flasher.card.inspect import CardReport
from flasher.card.lanes import GRACE
from flasher.drives.model import Drive
from flasher.drives.watch import Appeared, Changed, Gone
from flasher.errors import Cancelled, FlasherError
from flasher.events import Noted, StepAdvanced, StepStarted
from tests.examples import examples
from tests.unit.bench.benches import IMAGE, Played, bench, card, key, result
from tests.unit.bench.reports import made_card

NODES, READERS = 5, "abc"
KINDS: tuple[dict[str, object], ...] = (
    {},
    {"blank": False, "holds": "1 partition: EOS"},
    {"blank": False, "holds": "no partition table"},
    {"blank": False, "holds": "cam-0002, failed", "node": "cam-0002"},
    {"blank": False, "holds": "cam-0009, done", "node": "cam-0009"},
    {"refusal": "it holds / of this computer"},
    {"caution": "it is a USB disk"},
    {"read_only": True},
    {"size": 1 << 20},
    {"mounted": ("/media/card",)},
    {"size": 0},
)
FOUND = (
    Found(),
    Found(is_unfinished=True),
    Found(is_unfinished=True, becomes="cam-0002"),
    Found(CardReport("cam-0002, failed"), Advice("It broke.")),
    Found(made_card("ab" * 16), Advice()),
    Found(made_card("cd" * 16), Advice(), stands=True, alive="cam-0003"),
)
ERRORS = (
    Cancelled("Writing"),
    FlasherError("card-pulled", "It was pulled out.", "Put it back in."),
    FlasherError("card-failed", "It failed.", "Try another."),
)
NAMES = st.sampled_from([f"cam-{number:04}" for number in range(1, NODES + 2)])
KEYS = st.sampled_from([key(reader) for reader in (*READERS, "z")])


def _mends(lane: Lane) -> bool:
    """Whether mending its card failed, so that its node may be any."""
    return isinstance(lane.phase, Failed) and lane.memory.job != "make"


class AnyBench(RuleBasedStateMachine):
    """Readers, cards and people that do anything at any time."""

    @initialize()
    def sit_down(self) -> None:
        self.played = Played(bench(NODES))
        self.inside: dict[str, Drive] = {}
        self.cards = 0
        self.open: dict[str, Work] = {}
        self.looks: list[Look] = []

    def hear(self, heard: Heard, *, asked: str = "") -> None:
        """Tell the bench something; `asked` is the reader for which a person said yes."""
        before, known = self.played.state, len(self.played.effects)
        self.played.hear(heard)
        for effect in self.played.effects[known:]:
            if isinstance(effect, Look):
                self.looks.append(effect)
            if isinstance(effect, Work):
                self._may_begin(before.lane(effect.reader), effect, asked)
                self.open[effect.reader] = effect
        for lane in before.lanes:
            self._stays_at_work(lane, heard)

    def _may_begin(self, lane: Lane, work: Work, asked: str) -> None:
        assert not isinstance(lane.phase, Working | Refused | Empty | Ready)
        assert not self.played.state.paused
        assert work.drive == lane.drive
        if lane.reader != asked:
            assert isinstance(lane.phase, Counting)
            assert lane.memory.holding in ("blank", "own")
            assert not lane.memory.is_held

    def _stays_at_work(self, lane: Lane, heard: Heard) -> None:
        if isinstance(lane.phase, Working):
            now = self.played.state.lane(lane.reader)
            ended = isinstance(heard, Ended) or lane.memory.stopped_at is not None
            assert ended or isinstance(now.phase, Working)

    @rule(reader=st.sampled_from(READERS), kind=st.sampled_from(KINDS), same=st.booleans())
    def put_in(self, reader: str, kind: dict[str, object], same: bool) -> None:
        self.cards += not same
        drive = card(reader, self.cards, **kind)
        before = self.inside.get(reader)
        self.inside[reader] = drive
        self.hear(Changed(drive, before) if before else Appeared(drive))

    @rule(reader=st.sampled_from(READERS))
    def take_out(self, reader: str) -> None:
        if drive := self.inside.pop(reader, None):
            self.hear(Gone(drive))

    @rule(reader=KEYS, again=st.booleans())
    def begin(self, reader: str, again: bool) -> None:
        self.hear(Begin(reader, again), asked=reader)

    @rule(reader=KEYS, new=st.booleans())
    def rearm(self, reader: str, new: bool) -> None:
        self.hear(Rearm(reader, new), asked=reader)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), error=st.sampled_from((None, *ERRORS)), ejected=st.booleans())
    def end(self, data: st.DataObject, error: FlasherError | None, ejected: bool) -> None:
        work = self.open.pop(data.draw(st.sampled_from(sorted(self.open))))
        if error is None and work.node is None:
            error = ERRORS[2]
        self.hear(Ended(work.reader, work.token, error or result(work, ejected=ejected)))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), done=st.integers(0, 100))
    def tell(self, data: st.DataObject, done: int) -> None:
        work = self.open[data.draw(st.sampled_from(sorted(self.open)))]
        for event in (
            StepStarted("x", "write", 100, "bytes"),
            StepAdvanced("x", "write", done, 100),
            Noted("x", "Slow.", warning=True),
        ):
            self.hear(Told(work.reader, work.token, event))

    @precondition(lambda self: self.looks)
    @rule(data=st.data(), found=st.sampled_from(FOUND))
    def look(self, data: st.DataObject, found: Found) -> None:
        look = self.looks.pop(data.draw(st.integers(0, len(self.looks) - 1)))
        self.hear(Looked(look.reader, look.token, found))

    @rule(seconds=st.sampled_from((0.0, 1.0, 6.0, GRACE + 1, 100.0)), has_image=st.booleans())
    def wait(self, seconds: float, has_image: bool) -> None:
        self.played.now += seconds
        self.hear(Tick(IMAGE if has_image else None))

    @rule(command=st.sampled_from((Skip, Choose)), name=NAMES)
    def order(self, command: type[Skip | Choose], name: str) -> None:
        self.hear(command(name))

    @rule(command=st.sampled_from((SetAuto, SetPaused)), on=st.booleans())
    def switch(self, command: type[SetAuto | SetPaused], on: bool) -> None:
        self.hear(command(on))

    @rule(name=NAMES)
    def see_alive(self, name: str) -> None:
        self.hear(SetNodeState(name, NodeState.ALIVE))

    @rule(command=st.sampled_from((Stop, Delay)), reader=KEYS)
    def hold(self, command: type[Stop | Delay], reader: str) -> None:
        self.hear(command(reader))

    @invariant()
    def no_node_is_made_twice_at_once(self) -> None:
        working = [
            lane.node.name
            for lane in self.played.state.lanes
            if isinstance(lane.phase, Working) and lane.node
        ]
        writing = {n for n, s in self.played.state.states.items() if s is NodeState.WRITING}
        assert len(working) == len(set(working))
        assert set(working) == writing

    @invariant()
    def no_node_is_promised_twice(self) -> None:
        promised = [
            lane.node.name
            for lane in self.played.state.lanes
            if lane.node and (isinstance(lane.phase, Empty | Offered | Counting) or _mends(lane))
        ]
        others = {
            lane.node.name
            for lane in self.played.state.lanes
            if lane.node and isinstance(lane.phase, Working | Failed | Autopsy)
            if not _mends(lane)
        }
        assert len(promised) == len(set(promised))
        assert not others & set(promised)

    @invariant()
    def no_node_is_lost(self) -> None:
        state = self.played.state
        assert len(state.states) == NODES
        held = {lane.node.name for lane in state.lanes if lane.node}
        queued = {node.name for node in in_order(state)}
        for name, each in state.states.items():
            if each in (NodeState.TODO, NodeState.FAILED):
                assert name in held | queued

    @invariant()
    def a_card_in_a_lane_is_the_one_in_its_reader(self) -> None:
        for lane in self.played.state.lanes:
            if isinstance(lane.phase, Offered | Counting | Refused | Autopsy):
                assert lane.drive == self.inside.get(lane.reader.removeprefix("usb "))
            if isinstance(lane.phase, Empty):
                assert lane.drive is None

    @invariant()
    def what_counts_down_may_start(self) -> None:
        state = self.played.state
        for lane in state.lanes:
            if isinstance(lane.phase, Counting):
                assert state.auto
                assert not state.paused
                assert lane.drive is not None
                assert lane.node is not None
                assert not lane.drive.mounted
                assert lane.drive.size >= (state.image_size or 0) > 0


AnyBench.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=40)
TestAnyBench = AnyBench.TestCase


def test_a_lane_that_differs_in_what_only_the_bench_keeps_looks_the_same() -> None:
    lane = Lane("a")
    assert lane == replace(lane, memory=replace(lane.memory, token=7))
