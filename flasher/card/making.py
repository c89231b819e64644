"""One card from its drive to its end: opened, probed, written and proven, and let go."""

from __future__ import annotations

from dataclasses import dataclass

from flasher.card.plan import CardPlan
from flasher.card.probing.probe import probe_card
from flasher.card.target import open_target
from flasher.card.write import WriteResult, wipe_tables, write_card
from flasher.drives.eject import parting_words
from flasher.drives.model import Drive
from flasher.events import CancelFlag, Emit, Noted


@dataclass(frozen=True, slots=True)
class Making:
    """How cards are made.

    Attributes:
        probe: look first whether the card has the room that it announces; files never need it.
        eject: have the reader give the card back, so that nothing is written to it any more.
    """

    probe: bool = True
    eject: bool = True


USUAL = Making()


@dataclass(frozen=True, slots=True)
class Made:
    """A card that was made.

    Attributes:
        written: what it took.
        ejected: whether the reader gave it back; slots for SD cards, loop devices, files cannot.
    """

    written: WriteResult
    ejected: bool


def make_card(
    plan: CardPlan, drive: Drive, making: Making, *, emit: Emit, cancel: CancelFlag
) -> Made:
    """Make a card what is planned; it is held exclusively from the first look until it is ejected.

    Raises:
        FlasherError: as `open_target`, `probe_card` and `write_card` say.
    """
    is_file = drive.kind == "file"
    with open_target(drive, plan.size) as target:
        if making.probe and not is_file:
            wipe_tables(plan, target, emit=emit)
            probe_card(target, drive.size, needed=plan.size, emit=emit, cancel=cancel)
        has_room = making.probe or is_file
        written = write_card(plan, target, emit=emit, cancel=cancel, probed=has_room)
        ejected = making.eject and target.let_go()
    if making.eject and not ejected and drive.kind not in ("file", "loop"):
        emit(Noted(str(drive.path), parting_words(drive, ejected=False), warning=True))
    return Made(written, ejected)
