"""Benches, drives and results made by hand, for the tests of the bench's rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flasher.bench.heard import Begin, Effect, Ended, Heard, Tick, Work
from flasher.bench.model import BenchState, NodeState, Phase, Working
from flasher.bench.reduce import reduce
from flasher.drives.model import Drive
from flasher.drives.watch import Appeared
from flasher.errors import FlasherError
from flasher.prepare import CardResult
from flasher.rig.rigmap import Node

CARD = 8 << 30
IMAGE = 4 << 30


def node(number: int) -> Node:
    return Node(f"cam-{number:04}", "camnode", f"C{number}", number, 1)


def bench(nodes: int = 3, **changes: object) -> BenchState:
    rig = tuple(node(number) for number in range(1, nodes + 1))
    states = {each.name: NodeState.TODO for each in rig}
    return replace(BenchState(rig, states, image_size=IMAGE), **changes)  # type: ignore[arg-type]


def card(reader: str = "a", number: int = 1, **changes: object) -> Drive:
    """The card of a number in a reader: blank, and with a CID that tells it from others."""
    drive = Drive(
        Path("/dev") / reader,
        size=CARD,
        kind="usb",
        removable=True,
        holds="empty",
        blank=True,
        identity=f"8:0#{number}",
        port=f"usb {reader}",
    )
    return replace(drive, **changes)  # type: ignore[arg-type]


def key(reader: str = "a") -> str:
    return f"usb {reader}"


def result(work: Work, *, ejected: bool = False) -> CardResult:
    """The good end of work."""
    assert work.node is not None
    return CardResult(
        node=work.node,
        drive=work.drive.path,
        generation=1,
        card_id=f"{work.token:032x}",
        image_digest="",
        bytes_written=1,
        bytes_verified=1,
        seconds=1.0,
        ejected=ejected,
    )


class Played:
    """A bench that is told things, one after the other, at a time that only the test moves on."""

    def __init__(self, state: BenchState | None = None) -> None:
        self.state, self.now = state or bench(), 0.0
        self.effects: list[Effect] = []

    def hear(self, *heard: Heard) -> BenchState:
        for each in heard:
            self.state, effects = reduce(self.state, each, self.now)
            self.effects += effects
        return self.state

    def wait(self, seconds: float) -> BenchState:
        self.now += seconds
        return self.hear(Tick(self.state.image_size))

    @property
    def work(self) -> Work:
        """The last work that was begun."""
        return [effect for effect in self.effects if isinstance(effect, Work)][-1]


BROKEN = FlasherError("card-failed", "It failed.", "Try another.")
OURS = card(blank=False, holds="cam-0009, not booted yet", node="cam-0009")
PHOTOS = card(blank=False, holds="1 partition: EOS_DIGITAL")
HALF = card(blank=False, holds="no partition table")


def phase(played: Played, reader: str = "a") -> Phase:
    return played.state.lane(key(reader)).phase


def begun(drive: Drive | None = None, **changes: object) -> Played:
    played = Played(bench(**changes))  # type: ignore[arg-type]
    played.hear(Appeared(drive or card()), Begin(key()))
    assert isinstance(phase(played), Working)
    return played


def ended(played: Played, error: FlasherError) -> Played:
    played.hear(Ended(key(), played.work.token, error))
    return played
