"""What `prepare` does once all is checked: it asks about each card, and makes all at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flasher.card.inspect import card_id_on
from flasher.card.lanes import Lane, run_lanes
from flasher.card.making import Making
from flasher.commands._drives import choose_drive, holding, taking
from flasher.commands._lanes import making_of
from flasher.console import Console
from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Emit, Noted
from flasher.image.source import ImageFile
from flasher.prepare import CardResult, NodeCard, plan_node_card, prepare_card
from flasher.progress import readable_seconds, readable_size
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import Node, RigMap
from flasher.rig.twins import before_overwriting, farewell


@dataclass(frozen=True, slots=True)
class Job:
    """One card to be made.

    Attributes:
        size: of the virtual card that is made first; None where the drive is there.
        agreed: `--yes`.
        serials: those that were typed.
    """

    card: NodeCard
    place: Path
    size: int | None
    making: Making
    agreed: bool
    serials: tuple[str, ...]

    @classmethod
    def of(
        cls, rig: RigMap, node: Node, place: Path, image: ImageFile, args: argparse.Namespace
    ) -> Job:
        """What the options of `prepare` ask for; a card that is not there is made as a file."""
        size = None if place.exists() else args.size
        card, serials = plan_node_card(rig, node, image), tuple(args.serial)
        return cls(card, place, size, making_of(args), args.yes, serials)

    def run(
        self, drive: Drive | None, ledger: Ledger, emit: Emit, cancel: CancelFlag
    ) -> CardResult:
        """Make it; a virtual card that was never whole does not keep the name."""
        making = self.making
        with taking(drive, self.place, self.size) as taken:
            return prepare_card(self.card, taken, ledger, emit=emit, cancel=cancel, making=making)


def make_cards(
    jobs: Sequence[Job], ledger: Ledger, console: Console
) -> tuple[CardResult | FlasherError, ...]:
    """Ask about every card before the first is written; then make all of them at once."""
    cancel = CancelFlag()
    entries = ledger.entries()
    lanes = [_lane(job, ledger, entries, cancel, console) for job in jobs]
    with console.progress() as emit:
        outcomes = run_lanes(lanes, emit=emit, cancel=cancel)
    for outcome in outcomes:
        if not isinstance(outcome, FlasherError):
            console.say(_ready(outcome))
    return outcomes


def _lane(
    job: Job, ledger: Ledger, entries: Sequence[Entry], cancel: CancelFlag, console: Console
) -> Lane[CardResult]:
    drive = None if job.size else choose_drive(job.place, job.serials)
    on_drive = card_id_on(drive.path) if drive else ""
    _confirm(job, drive, entries, on_drive, console)
    last_words = farewell(entries, job.card.node.name, job.card.rig.site.name, on_drive)

    def work(emit: Emit) -> CardResult:
        result = job.run(drive, ledger, emit, cancel)
        if last_words:
            emit(Noted(str(job.place), last_words, warning=True))
        return result

    return Lane(str(job.place), work)


def _ready(result: CardResult) -> str:
    kept = f", {readable_size(result.bytes_kept)} were right already" if result.bytes_kept else ""
    return (
        f"{result.node.name} is ready on {result.drive}: {readable_size(result.bytes_written)} "
        f"written{kept}, all read back in {readable_seconds(result.seconds)}.\n"
        f"Take the card out and write {result.node.position} on it."
    )


def _confirm(
    job: Job, drive: Drive | None, entries: Sequence[Entry], on_drive: str, console: Console
) -> None:
    node, planned_at = job.card.node, job.card.identity.planned_at
    site = job.card.rig.site.name
    past = before_overwriting(entries, node.name, site, planned_at, on_drive)
    if not past and (drive is None or drive.holds_nothing):
        return
    lines = [*past, f"{job.place} becomes {node.name}."]
    if drive is not None:
        lost = f"All of it will be lost, and it becomes {node.name}."
        lines = [holding(drive, agreed=job.agreed), *past, lost]
    console.confirm("\n".join(lines), yes=job.agreed)
