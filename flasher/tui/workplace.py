"""The outside world as the wizard sees it, in one object."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flasher import paths
from flasher.card.making import USUAL, Making
from flasher.drives.linux import LinuxCatalog
from flasher.drives.model import DriveCatalog
from flasher.drives.watch import Signal, open_signal
from flasher.images import found_image
from flasher.rig.ledger import Ledger
from flasher.rig.wrong_clock import made_at

if TYPE_CHECKING:
    from flasher.practice.bench import PracticeBench


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Workplace:
    """A bench with its readers, its ledger, its image and its clock.

    Attributes:
        catalog: which cards are there.
        image: the base image to write; None where there is none yet.
        signal: opens what tells that cards come and go.
        making: how cards are made.
        desk: the readers and the box of a practice bench, for the one who practises; None where
            the cards are real.
        now: the time of day, UTC.
        ticks: seconds from any beginning, for speeds.
        made_at: when this program came to be, UTC: no clock that is right shows less.
    """

    catalog: DriveCatalog
    ledger: Ledger
    image: Path | None
    signal: Callable[[], Signal] = open_signal
    making: Making = USUAL
    desk: PracticeBench | None = None
    now: Callable[[], datetime] = _utc_now
    ticks: Callable[[], float] = time.monotonic
    made_at: Callable[[], datetime] = made_at

    @property
    def practice(self) -> bool:
        """Whether the cards are files."""
        return self.desk is not None


def open_workplace(
    *, practice: bool, image: Path | None = None, in_haste: bool = False
) -> Workplace:
    """The bench of this computer, or one for practice with a new card in each of three readers.

    Args:
        practice: use files instead of cards, and a ledger of their own; a small image is made
            where this computer has none.
        image: the base image; without it, the newest one on this computer.
        in_haste: whether practice cards are as fast as files, not as cards.
    """
    chosen = image or found_image()
    if not practice:
        return Workplace(LinuxCatalog(), Ledger(), chosen)
    return _practice_bench(paths.data() / "practice", chosen, in_haste=in_haste)


def _practice_bench(folder: Path, image: Path | None, *, in_haste: bool) -> Workplace:
    from flasher.practice.bench import PracticeBench
    from flasher.practice.condition import CARD_PACE, SMALL_IMAGE_PACE
    from flasher.practice.image import practice_image

    # The small image would be written before anybody saw how it goes.
    pace = None if in_haste else CARD_PACE if image else SMALL_IMAGE_PACE
    ledger = Ledger(folder / "ledger.sqlite")
    desk = PracticeBench(folder, pace=pace, ledger=ledger)
    for reader in desk.readers:
        desk.insert(reader, desk.fresh())
    return Workplace(
        catalog=desk,
        ledger=ledger,
        image=image or practice_image(folder),
        signal=desk.signal,
        making=desk.making,
        desk=desk,
    )
