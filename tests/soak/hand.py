"""The hand at the bench: puts cards in, pulls them at the worst moment, knows what became of them.

It does what people do, by chance: says yes, goes away, pulls, tries again, throws away.
"""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from flasher.bench.model import (
    Autopsy,
    BenchState,
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
from flasher.bench.runner import BenchRunner
from flasher.practice.bench import PracticeBench
from flasher.practice.condition import BROKEN, FORGETFUL
from tests.soak.judge import judge

# So many seconds without anything new are a standstill.
PATIENCE = 60.0
_LOOK_EVERY_SECONDS = 0.02
_KINDS = ("new",) * 12 + (
    "photos",
    "linux",
    "own",
    "own",
    "failed",
    "failed",
    "counterfeit",
    "worn",
    "forgetful",
    "locked",
    "small",
    "disk",
)
_MISHAPS = ("",) * 12 + ("pull", "pull", "stop", "break", "spoil")


@dataclass
class Fate:
    """What shall happen to the card that is being made, and when."""

    mishap: str
    share: float
    is_over: bool = False


@dataclass
class Hand:
    """One person with many readers.

    Args:
        desk: the readers and the box.
        runner: the bench.
        image: that cards are made from.
        chance: what decides.

    Attributes:
        good: ids of cards that were ready, and that the judge found right.
        wrong: what the judge had to say against cards that looked whole.
        found: ids that stood on any card when it was thrown away.
        ends: how lanes ended, by the name of their phase or the code of their error.
        done: cards that went through these hands.
    """

    desk: PracticeBench
    runner: BenchRunner
    image: Path
    chance: Random
    good: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    done: int = 0
    _fates: dict[str, Fate] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)
    _aside: dict[int, str] = field(default_factory=dict)
    _judged: set[str] = field(default_factory=set)
    _put_in: int = 0

    def work(self, cards: int) -> None:
        """Until so many cards were put in and thrown away, or into the rig."""
        while self.done < cards:
            seen = self.runner.state
            for reader in self.desk.readers:
                self._attend(reader, cards)
            if self.done < cards:
                self._wait_for_news(seen)

    def rest(self) -> int:
        """Wait until nothing is done any more; bytes of memory that are in use then."""
        assert self.runner.wait_idle(PATIENCE)
        gc.collect()
        return _in_use()

    def _wait_for_news(self, seen: BenchState) -> None:
        until = time.monotonic() + PATIENCE
        while self.runner.state is seen:
            if time.monotonic() > until:
                raise AssertionError(f"Nothing happens any more: {seen.lanes}")
            time.sleep(_LOOK_EVERY_SECONDS)

    def _attend(self, reader: int, cards: int) -> None:
        """A lane is believed only when it has seen what was done to its reader."""
        inside, lane = self.desk.inside(reader), self.runner.state.find(f"reader-{reader}")
        seen = lane.memory.seen if lane else None
        if inside is None and seen is None:
            self._fill(reader, lane.phase if lane else Empty(), cards)
        elif inside is not None and lane is not None and (seen or self._is_given_back(lane)):
            self._decide(reader, inside, lane)

    def _is_given_back(self, lane: Lane) -> bool:
        """A reader lets go of a card that is ready, and shows it no more while it is inside.

        The lane shows it until the next card comes.
        """
        return isinstance(lane.phase, Ready) and lane.phase.result.card_id not in self._judged

    def _fill(self, reader: int, phase: object, cards: int) -> None:
        name = self._aside.pop(reader, "")
        if name and not (isinstance(phase, Failed) and self.chance.random() < 0.8):
            self._throw_away(name)
            name = ""
        if not name:
            if self._put_in >= cards:
                return
            self._put_in += 1
            name = f"{self.chance.choice(_KINDS)}-{self._put_in}"
        if isinstance(phase, Ready):  # of a card that was pulled in its last moment
            self._judged.add(phase.result.card_id)
        self.desk.insert(reader, name)

    def _decide(self, reader: int, inside: str, lane: Lane) -> None:
        match lane.phase:
            case Offered() | Counting():
                self._start(reader, inside, lane)
            case Working():
                self._disturb(reader, inside, lane, lane.phase)
            case Ready(result):
                self._judged.add(result.card_id)
                self._note_end(lane, "ready")
                verdict = judge(self.desk.path_of(reader), self.image)
                if verdict.card_id == result.card_id and not verdict.wrong:
                    self.good.add(result.card_id)
                else:
                    self.wrong.append(f"{inside}, {lane.node}: {verdict}")
                self._take_out(reader)
            case Failed(error):
                self._after_failure(reader, inside, lane, error.code)
            case Refused():
                self._note_end(lane, "refused")
                self._take_out(reader)
            case Autopsy():
                way = self.chance.choice((True, False, None))
                if way is None:
                    self.runner.begin(lane.reader)
                else:
                    self.runner.rearm(lane.reader, way)

    def _start(self, reader: int, inside: str, lane: Lane) -> None:
        if self._tries[inside] > 4 or self.chance.random() < 0.05:
            self._note_end(lane, "not wanted")
            self._take_out(reader)
        elif lane.node is None:
            self._choose_any()
        else:
            self._tries[inside] += 1
            self.runner.begin(lane.reader)

    def _choose_any(self) -> None:
        state = self.runner.state
        made = [n.name for n in state.nodes if state.states[n.name] is not NodeState.WRITING]
        self.runner.choose(self.chance.choice(made))

    def _disturb(self, reader: int, inside: str, lane: Lane, phase: Working) -> None:
        if lane.reader not in self._fates:
            mishap, share = self.chance.choice(_MISHAPS), self.chance.random() * 0.8
            self._fates[lane.reader] = Fate(mishap, share)
        fate = self._fates[lane.reader]
        share = phase.done / phase.total if phase.total else 0.0
        if fate.is_over or phase.stage not in ("write", "verify") or share < fate.share:
            return
        fate.is_over = True
        match fate.mishap:
            case "pull":
                self.desk.pull(reader)
                self._aside[reader] = inside
            case "stop":
                self.runner.stop(lane.reader)
            case "break":
                self.desk.afflict(inside, BROKEN)
            case "spoil":
                self.desk.afflict(inside, FORGETFUL)

    def _after_failure(self, reader: int, inside: str, lane: Lane, code: str) -> None:
        self._note_end(lane, code)
        self._tries[inside] += 1
        if self._tries[inside] < 4 and self.chance.random() < 0.5:
            self.runner.retry(lane.reader)
            state = self.runner.state.find(lane.reader)
            if state and isinstance(state.phase, Working):
                return
        self._take_out(reader)

    def _note_end(self, lane: Lane, end: str) -> None:
        self._fates.pop(lane.reader, None)
        self.ends[end] += 1

    def _take_out(self, reader: int) -> None:
        if name := self.desk.pull(reader):
            self._throw_away(name)

    def _throw_away(self, name: str) -> None:
        verdict = judge(self.desk.file_of(name), self.image)
        if verdict.card_id:
            self.found.add(verdict.card_id)
        if verdict.wrong:
            self.wrong.append(f"{name}: {verdict}")
        self.desk.throw_away(name)
        self.done += 1


def _in_use() -> int:
    """Bytes of memory that this process holds for itself alone (proc(5), statm)."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text().split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE")
