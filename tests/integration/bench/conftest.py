"""A bench whose readers are places in a folder, and whose cards are files that are put there."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Event
from typing import TypeVar

import pytest

from flasher.bench.model import BenchState, Lane, Offered, Phase
from flasher.bench.runner import BenchPorts, BenchRunner
from flasher.card.drive_target import DriveTarget
from flasher.card.making import Making
from flasher.card.target import open_target
from flasher.drives.faults import explain
from flasher.drives.files import file_drive
from flasher.drives.model import Drive
from flasher.errors import BadInput
from flasher.image.ranges import ByteRange
from flasher.image.source import ImageFile, open_image
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import load_site

P = TypeVar("P", bound=Phase)
CARD = 64 << 20


class Soon:
    """A signal that tells at once, and otherwise ten times a second."""

    def __init__(self) -> None:
        self.moved = Event()

    def wait(self, seconds: float) -> bool:
        self.moved.wait(min(seconds, 0.1))
        self.moved.clear()
        return True

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Readers:
    """A folder whose files ``*.card`` are cards in readers; it may be out of reach for a while."""

    folder: Path
    is_lost: bool = False

    def drives(self) -> tuple[Drive, ...]:
        if self.is_lost:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        found = sorted(self.folder.glob("*.card"))
        return tuple(file_drive(path) for path in found if path.is_file())

    def find(self, argument: str) -> Drive:
        path = self.folder / argument
        if not path.is_file():
            raise BadInput("no-such-drive", f"There is no {argument}.", "Put a card in.")
        return file_drive(path)


class Held:
    """A card that is held like any other, until the test does something to it."""

    def __init__(self, target: DriveTarget, hand: Hand) -> None:
        self._target, self._hand = target, hand

    def __getattr__(self, name: str) -> object:
        return getattr(self._target, name)

    def write(self, offset: int, data: bytes | memoryview) -> None:
        self._hand.reach(self._target.path, offset)
        self._target.write(offset, data)

    def discard(self, where: ByteRange) -> bool:
        return self._target.discard(where)


@dataclass
class Hand:
    """What keeps cards from being written on: a gate, or that they are pulled at an offset.

    Attributes:
        gate: closed, it stops those that are `stuck`; all of them where none is named.
    """

    gate: Event = field(default_factory=Event)
    stuck: set[str] = field(default_factory=set)
    pull_at: dict[str, int] = field(default_factory=dict)
    pulled: set[str] = field(default_factory=set)

    def reach(self, path: Path, offset: int) -> None:
        if offset and (not self.stuck or path.name in self.stuck):
            self.gate.wait()
        if offset >= self.pull_at.get(path.name, offset + 1):
            self.pulled.add(path.name)
        if path.name in self.pulled:
            raise explain(OSError(errno.ENOMEDIUM, ""), path, "writing")

    @contextmanager
    def hold(self, drive: Drive, needed: int) -> Iterator[Held]:
        with open_target(drive, needed) as target:
            yield Held(target, self)


class Bench:
    """A bench as the one who sits at it knows it."""

    def __init__(self, folder: Path, rig: RigMap, image: ImageFile, *, probes: bool) -> None:
        self.readers, self.box = folder / "readers", folder / "box"
        for place in (self.readers, self.box):
            place.mkdir()
        self.hand, self.signal, self.time = Hand(), Soon(), 0.0
        self.catalog = Readers(self.readers)
        self.hand.gate.set()
        self.ledger = Ledger()
        self.states: list[BenchState] = []
        self._news = Condition()
        ports = BenchPorts(
            self.catalog,
            lambda: self.signal,
            self.ledger,
            Making(hold=self.hand.hold, probe_files=probes),  # type: ignore[arg-type]
            now=lambda: datetime.now(UTC),
            ticks=lambda: self.time,
        )
        self.runner = BenchRunner(ports, rig, lambda: image, on_change=self._hear)

    def _hear(self, state: BenchState) -> None:
        with self._news:
            self.states.append(state)
            self._news.notify_all()

    def blank(self, name: str, size: int = CARD) -> Path:
        """A new card in the box."""
        card = self.box / name
        with card.open("xb") as handle:
            os.truncate(handle.fileno(), size)
        return card

    def put(self, card: Path, reader: str) -> str:
        """Put a card into a reader, where it stays; gives the reader's key."""
        place = self.readers / f"{reader}.card"
        self.hand.pull_at.pop(place.name, None)
        self.hand.pulled.discard(place.name)
        card.rename(place)
        self.signal.moved.set()
        return str(place)

    def take(self, reader: str, name: str) -> Path:
        """Take the card out of a reader."""
        card = Path(reader).rename(self.box / name)
        self.signal.moved.set()
        return card

    def until(self, what: Callable[[BenchState], bool]) -> BenchState:
        """Wait for a state of the bench."""
        with self._news:
            assert self._news.wait_for(lambda: what(self.runner.state), 30), self.runner.state
            return self.runner.state

    def lane(self, reader: str, phase: type[P], of: Callable[[P], bool] = lambda _: True) -> P:
        """Wait for a lane to be in a phase."""
        state = self.until(lambda state: _is(state.find(reader), phase, of))
        found = state.lane(reader).phase
        assert isinstance(found, phase)
        return found

    def emptied(self, reader: str) -> None:
        """Wait until no card is in a reader any more; its lane may still show a label."""
        self.until(lambda state: state.lane(reader).drive is None)

    def offer(self, name: str, reader: str) -> str:
        """A blank card in a reader, offered."""
        key = self.put(self.blank(name), reader)
        self.lane(key, Offered)
        return key


def until(what: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that nobody announces."""
    last = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < last
        time.sleep(0.01)


def _is(lane: Lane | None, phase: type[P], of: Callable[[P], bool]) -> bool:
    return lane is not None and isinstance(lane.phase, phase) and of(lane.phase)


@pytest.fixture
def rig() -> RigMap:
    return lay_out(load_profile("body-16x7"), *load_site("demo"))


@pytest.fixture
def probes() -> bool:
    """Whether cards are tested before they are written."""
    return False


@pytest.fixture
def bench(tmp_path: Path, rig: RigMap, base_image: Path, probes: bool) -> Iterator[Bench]:
    """A bench with its readers empty, watched."""
    image = open_image(base_image)
    made = Bench(tmp_path, rig, image, probes=probes)
    made.runner.start()
    yield made
    made.hand.gate.set()
    made.runner.close()
    made.runner.stop_all()
    assert made.runner.wait_idle(30)
    assert made.runner.wait_closed(30)
