"""One card from its drive to its end: opened, probed, written and proven, and let go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from flasher.card.plan import CardPlan
from flasher.card.probing.probe import probe_card
from flasher.card.target import Held, open_target
from flasher.card.write import WriteResult, wipe_tables, write_card
from flasher.drives.eject import parting_words
from flasher.drives.model import Drive
from flasher.events import CancelFlag, Emit, Noted

# How a drive is held to be written, given how many bytes it must have; as `open_target`.
Hold = Callable[[Drive, int], AbstractContextManager[Held]]


@dataclass(frozen=True, slots=True)
class Making:
    """How cards are made.

    Attributes:
        probe: look first whether the card has the room that it announces.
        eject: have the reader give the card back, so that nothing is written to it any more.
        hold: how a drive is held.
        probe_files: whether files are probed too: those that play cards, which may lie.
    """

    probe: bool = True
    eject: bool = True
    hold: Hold = open_target
    probe_files: bool = False

    def trusts(self, drive: Drive) -> bool:
        """Whether a drive has the room that it announces, without a look."""
        return drive.kind == "file" and not self.probe_files


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
        FlasherError: as `Making.hold`, `probe_card` and `write_card` say.
    """
    trusted = making.trusts(drive)
    with making.hold(drive, plan.size) as target:
        if making.probe and not trusted:
            wipe_tables(plan, target, emit=emit)
            size, needed = drive.size, plan.size
            probe_card(target, size, needed=needed, emit=emit, cancel=cancel, is_wiped=True)
        has_room = making.probe or trusted
        written = write_card(plan, target, emit=emit, cancel=cancel, probed=has_room)
        ejected = making.eject and target.let_go()
    if making.eject and not ejected and drive.kind not in ("file", "loop"):
        emit(Noted(str(drive.path), parting_words(drive, ejected=False), warning=True))
    return Made(written, ejected)
