"""The real engine at work on several cards at once, and what an independent eye sees of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flasher.card import making
from flasher.card.plan import CardPlan
from flasher.card.target import open_target
from flasher.card.write import write_card
from flasher.drives.find import find_drive
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Event, Noted
from flasher.image.ranges import chunks
from tests.faults.faulty_card import FaultyCard
from tests.faults.scenarios import DONE
from tests.faults.small_images import MIB


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine said of a card: `DONE`, or the code of its error; the words; warnings."""

    code: str
    words: str = ""
    warnings: tuple[str, ...] = ()


def make_card(plan: CardPlan, path: Path, *, probe: bool) -> Outcome:
    """Make a card, with the probe as the commands do; what is no error of ours is raised."""
    events: list[Event] = []
    try:
        drive = find_drive(str(path))
        if probe:
            making.make_card(plan, drive, making.USUAL, emit=events.append, cancel=CancelFlag())
        else:
            with open_target(drive, plan.size) as target:
                write_card(plan, target, emit=events.append)
    except FlasherError as error:
        return Outcome(error.code, f"{error.message} {error.hint}", _warnings(events))
    return Outcome(DONE, "", _warnings(events))


def _warnings(events: Sequence[Event]) -> tuple[str, ...]:
    return tuple(event.text for event in events if isinstance(event, Noted) and event.warning)


@contextmanager
def making_all(
    plan: CardPlan, cards: Sequence[FaultyCard], *, probe: bool
) -> Iterator[list[Future[Outcome]]]:
    """Make several cards at once, each at its own pace."""
    with ThreadPoolExecutor(len(cards)) as pool:
        yield [pool.submit(make_card, plan, card.path, probe=probe) for card in cards]


def is_right(plan: CardPlan, backing: Path, true_size: int | None = None) -> bool:
    """Whether all that a card must hold is truly on it, past every cache.

    Args:
        plan: what it must hold.
        backing: the file behind the card.
        true_size: of a card whose addresses begin again there.
    """
    card = memoryview(backing.read_bytes())
    whole = true_size or len(card)
    return all(
        card[part.offset % whole :][: part.length] == plan.read(part.offset, part.length)
        for part in chunks(plan.ranges, MIB)
    )


def has_table(backing: Path) -> bool:
    """Whether sfdisk finds a partition table."""
    return subprocess.run(["sfdisk", "--dump", str(backing)], capture_output=True).returncode == 0
