"""The outside world as the wizard sees it, in one object."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flasher import paths
from flasher.drives.files import FileCatalog, create_virtual_card
from flasher.drives.linux import LinuxCatalog
from flasher.drives.model import DriveCatalog
from flasher.images import image_folder, newest_image
from flasher.rig.ledger import Ledger

PRACTICE_CARDS = 3
PRACTICE_CARD_SIZE = 4 << 30


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Workplace:
    """A bench with its readers, its ledger, its image and its clock.

    Attributes:
        image: the base image to write; None where there is none yet.
        practice: whether the cards are files.
        now: the time of day, UTC.
        ticks: seconds from any beginning, for speeds.
    """

    catalog: DriveCatalog
    ledger: Ledger
    image: Path | None
    practice: bool = False
    now: Callable[[], datetime] = _utc_now
    ticks: Callable[[], float] = time.monotonic


def open_workplace(*, practice: bool, image: Path | None = None) -> Workplace:
    """The bench of this computer, or one for practice with three virtual cards of 4 GiB.

    Args:
        practice: use files instead of readers, and a ledger of their own.
        image: the base image; without it, the newest one on this computer.
    """
    chosen = image or newest_image(image_folder())
    if not practice:
        return Workplace(LinuxCatalog(), Ledger(), chosen)
    folder = paths.data() / "practice"
    lay_out_practice_cards(folder)
    return Workplace(FileCatalog(folder), Ledger(folder / "ledger.sqlite"), chosen, practice=True)


def lay_out_practice_cards(folder: Path) -> None:
    """Make the virtual cards that are missing; they take no room until they are written."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, PRACTICE_CARDS + 1):
        card = folder / f"card-{number}.img"
        if not card.exists():
            create_virtual_card(card, PRACTICE_CARD_SIZE)
