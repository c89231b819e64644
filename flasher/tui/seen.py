"""What there is to know of a rig at the end: its lines in the ledger, the readers, its site."""

from __future__ import annotations

from dataclasses import dataclass

from flasher.drives.model import Drive
from flasher.rig.entry import Entry
from flasher.rig.present import present
from flasher.rig.rigmap import RigMap
from flasher.rig.site_travel import needs_backup
from flasher.tui.workplace import Workplace

_ID_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """The world around the bench.

    Attributes:
        entries: what the ledger has of this rig, oldest first.
        drives: in the readers.
        lonely: whether the site would be lost with this computer.
    """

    entries: tuple[Entry, ...] = ()
    drives: tuple[Drive, ...] = ()
    lonely: bool = False

    def card_in_reader(self, node: str) -> Drive | None:
        """The reader with a card of this node; None where there is none."""
        return next((drive for drive in self.drives if drive.node == node), None)

    def cards(self) -> dict[str, tuple[str, str]]:
        """The latest card of each node that has one: the head of its id, and since when (UTC)."""
        cards = present(self.entries).values()
        return {card.node: (card.card_id[:_ID_DIGITS], _day(card)) for card in cards}


def look(workplace: Workplace, rig: RigMap) -> Seen:
    """Read the ledger and look at the readers; takes time.

    Raises:
        FlasherError: the ledger or the drives cannot be read.
    """
    ours, lines = (rig.profile.name, rig.site.name), workplace.ledger.entries()
    return Seen(
        tuple(line for line in lines if (line.profile, line.site) == ours),
        workplace.catalog.drives(),
        needs_backup(str(rig.site.path)),
    )


def _day(card: Entry) -> str:
    return (card.finished_at or card.written_at).replace("T", " ")[:16]
