"""A reader that stays while its cards change: a loop device, seen as the kernel tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flasher.bench.model import BenchState, Offered, Phase, Ready
from flasher.bench.runner import BenchPorts, BenchRunner
from flasher.card.making import Making
from flasher.drives.linux import LinuxCatalog
from flasher.drives.watch import open_signal
from flasher.image.source import open_image
from flasher.process import run
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import RigMap
from tests.integration.bench.conftest import until
from tests.integration.conftest import loop_over


@pytest.fixture
def card(tmp_path: Path) -> Path:
    made = tmp_path / "card"
    with made.open("wb") as handle:
        handle.truncate(64 << 20)
    return made


@pytest.fixture
def reader(card: Path) -> Iterator[Path]:
    with loop_over(card) as device:
        yield device


def test_a_card_in_a_real_reader_is_made_and_its_own_changes_do_not_disturb_it(
    reader: Path, card: Path, rig: RigMap, base_image: Path
) -> None:
    image = open_image(base_image)
    states: list[BenchState] = []
    ports = BenchPorts(
        LinuxCatalog(frozenset({reader.name})),
        open_signal,
        Ledger(),
        Making(),
        now=lambda: datetime.now(UTC),
    )
    runner = BenchRunner(ports, rig, lambda: image, on_change=states.append)

    def phase() -> Phase | None:
        lane = next(
            (lane for lane in runner.state.lanes if lane.drive and lane.drive.path == reader), None
        )
        return lane.phase if lane else None

    runner.start()
    until(lambda: isinstance(phase(), Offered))
    (key,) = [lane.reader for lane in runner.state.lanes if lane.drive]
    runner.set_auto(True)
    runner.look_again()
    assert isinstance(phase(), Offered)  # a loop device is no card reader
    runner.begin(key)
    until(lambda: isinstance(phase(), Ready))
    runner.look_again()
    until(lambda: (seen := runner.state.lane(key).drive) is not None and bool(seen.node))
    assert isinstance(phase(), Ready)
    run(["losetup", "--detach", str(reader)])
    until(lambda: runner.state.lane(key).drive is None)
    run(["losetup", str(reader), str(card)])
    until(lambda: isinstance(phase(), Offered))
    assert runner.state.lane(key).node == rig.nodes[1]
    runner.close()
    assert runner.wait_closed(30)
