"""A practice bench at a rig, its small image, and how a card is made there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.events import CancelFlag, Event, ignore
from flasher.image.source import ImageFile, open_image
from flasher.practice.bench import PracticeBench
from flasher.practice.image import practice_image
from flasher.prepare import CardResult, NodeCard, plan_node_card, prepare_card
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import load_site

Make = Callable[..., CardResult]


@pytest.fixture(scope="session")
def rig() -> RigMap:
    return lay_out(load_profile("body-16x7"), *load_site("demo"))


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> ImageFile:
    return open_image(practice_image(tmp_path_factory.mktemp("image")))


@pytest.fixture
def bench(tmp_path: Path, rig: RigMap) -> PracticeBench:
    """Three empty readers, as fast as files."""
    made = PracticeBench(tmp_path / "practice")
    made.lay_out(rig)
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def card(rig: RigMap, image: ImageFile) -> NodeCard:
    return plan_node_card(rig, rig.find("cam-0101"), image)


@pytest.fixture
def make(bench: PracticeBench, ledger: Ledger, card: NodeCard) -> Make:
    """Make the card that is in a reader."""

    def made(reader: int = 1, emit: Callable[[Event], None] = ignore) -> CardResult:
        drive = bench.find(str(bench.path_of(reader)))
        return prepare_card(
            card, drive, ledger, emit=emit, cancel=CancelFlag(), making=bench.making
        )

    return made
